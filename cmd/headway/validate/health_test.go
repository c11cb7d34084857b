package validate

import "testing"

func TestHealthRoute(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		{"net/http", `http.HandleFunc("/healthz", ok)`, "/healthz"},
		{"a method in the pattern", `mux.Handle("GET /health", ok)`, "/health"},
		{"another method", `mux.Handle("POST /health", ok)`, ""},
		{"chi", `r.Get("/livez", func(w http.ResponseWriter, r *http.Request) {})`, "/livez"},
		{"chi's Method", `r.Method("GET", "/livez", ok)`, "/livez"},
		{"gin", `r.GET("/health", gin.Logger(), ok)`, "/health"},
		{"gorilla", `s.router.HandleFunc("/readyz", ok).Methods("GET")`, "/readyz"},
		{"the one that tells most", `http.HandleFunc("/livez", ok); http.HandleFunc("/readyz", ok)`, "/readyz"},
		{"within a function", `func() { http.HandleFunc("/healthz", ok) }()`, "/healthz"},
		{"a client", `http.Get("/health")`, ""},
		{"a client with options", `answer, err := c.Get("/health", options)`, ""},
		{"a client in a condition", `if _, err := c.Get(base+"/health", ok); err != nil { return }`, ""},
		{"a request", `r := httptest.NewRequest("GET", "/health", nil)`, ""},
		{"a mention", `log.Println("/health", "is not there")`, ""},
		{"a list", `skip := []string{"/health"}`, ""},
		{"below a prefix", `r.Route("/api", func(r chi.Router) { r.Get("/health", ok) })`, ""},
		{"in a group", `api := r.Group("/api"); api.GET("/health", ok)`, ""},
		{"in a group of a group", `api := r.Group("/api").Group("/v1"); api.GET("/health", ok)`, ""},
		{"of a router that is mounted", `api.HandleFunc("/health", ok); mux.Handle("/api/", http.StripPrefix("/api", api))`, ""},
		{"of two parts that are given", `f := func(r, s string, a chi.Router, b gin.IRouter) { a.Get("/health", ok); b.GET("/livez", ok) }`, ""},
		{"beside a group", `api := r.Group("/api"); api.GET("/health", ok); r.GET("/livez", ok)`, "/livez"},
		{"on two lines", "mux.HandleFunc(\n\"/healthz\", ok)", "/healthz"},
		{"switched off", `// mux.HandleFunc("/healthz", ok)`, ""},
		{"of a part that is given", `f := func(r chi.Router) { r.Get("/health", ok) }`, ""},
		{"of a router that is given", `f := func(mux *http.ServeMux) { mux.HandleFunc("/health", ok) }`, "/health"},
		{"no Go", `}}}{`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := healthRoute([]byte("package main\n\nfunc routes() {\n" + c.code + "\n}\n")); got != c.want {
				t.Errorf("found %q, want %q", got, c.want)
			}
		})
	}
}
