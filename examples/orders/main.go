// Command orders takes the events of a shop: it charges orders, sends mail about
// them, and shows what could not be charged. GET / says what has come where.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	http.HandleFunc("POST /charge", charge)
	http.HandleFunc("POST /mail", mail)
	http.HandleFunc("POST /dead", dead)
	http.HandleFunc("POST /count", count)
	http.HandleFunc("GET /{$}", book.show)
	http.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {})

	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080")}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	log.Println("listening on", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-finished
}

// charge takes the money for an order and answers with an event about that. An
// order without an amount is refused: 400 is not tried again.
func charge(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Amount int `json:"amount"`
	}
	if err := json.NewDecoder(r.Body).Decode(&order); err != nil || order.Amount <= 0 {
		http.Error(w, "an order needs an amount above 0", http.StatusBadRequest)
		return
	}
	book.note("charge", r)
	// The id follows from that of the order: if the order comes twice, this is the
	// same event twice, and the channel keeps one.
	reply := w.Header()
	reply.Set("ce-specversion", "1.0")
	reply.Set("ce-id", "charge-"+r.Header.Get("ce-id"))
	reply.Set("ce-source", "/orders/charge")
	reply.Set("ce-type", "order.charged")
	if subject := r.Header.Get("ce-subject"); subject != "" {
		reply.Set("ce-subject", subject)
	}
	reply.Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]int{"charged": order.Amount})
}

// mail would send one.
func mail(w http.ResponseWriter, r *http.Request) {
	book.note("mail", r)
	w.WriteHeader(http.StatusNoContent)
}

// dead gets what was given up on, with the reason.
func dead(w http.ResponseWriter, r *http.Request) {
	book.note("dead", r)
	w.WriteHeader(http.StatusNoContent)
}

// count comes every night, and would count what was charged.
func count(w http.ResponseWriter, r *http.Request) {
	book.note("count", r)
	w.WriteHeader(http.StatusNoContent)
}

// attribute is one of the event in a request; in headers some characters are
// written with percent signs.
func attribute(r *http.Request, name string) string {
	coded := r.Header.Get("ce-" + name)
	if plain, err := url.PathUnescape(coded); err == nil {
		return plain
	}
	return coded
}
