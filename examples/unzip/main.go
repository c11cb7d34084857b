// Command unzip expands zips: one lands in a bucket, the bucket's notification
// comes as an event, and the files go into another bucket.
package main

import (
	"cmp"
	"context"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	expander, err := configure(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("POST /unzip", expander.handle)
	http.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})

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

// configure reads the environment.
func configure(env func(string) string) (*expander, error) {
	for _, name := range []string{"UPLOADS", "FILES", "S3_ENDPOINT", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if env(name) == "" {
			return nil, errors.New(name + " is not set")
		}
	}
	endpoint, err := url.Parse(env("S3_ENDPOINT"))
	if err != nil || endpoint.Host == "" {
		return nil, errors.New("S3_ENDPOINT is no URL such as https://s3.eu-central-1.amazonaws.com")
	}
	if env("UPLOADS") == env("FILES") {
		return nil, errors.New("UPLOADS and FILES are the same bucket: a zip in a zip would be a new upload")
	}
	return &expander{
		uploads: env("UPLOADS"), files: env("FILES"),
		store: &store{
			endpoint: endpoint,
			keys:     keys{id: env("AWS_ACCESS_KEY_ID"), secret: env("AWS_SECRET_ACCESS_KEY"), region: env("AWS_REGION")},
			client:   &http.Client{Timeout: 2 * time.Minute},
			now:      time.Now,
		},
	}, nil
}
