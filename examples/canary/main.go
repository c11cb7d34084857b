// Command canary answers with its version, and with an error as often as it is
// told to, to see what becomes of a bad version.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	version = "1"
	// failing is the part of the requests that are answered with an error.
	failing = 0.0
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if rand.Float64() < failing {
			http.Error(w, "version "+version+" has failed", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "version", version)
	})
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "ok")
	})

	server := &http.Server{Addr: ":" + cmp.Or(os.Getenv("PORT"), "8080"), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		<-ctx.Done()
		// Requests in flight end in peace; Headway sends no new ones by now.
		_ = server.Shutdown(context.Background())
	}()
	log.Println("listening on", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-finished
}
