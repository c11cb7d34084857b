// Command standin answers like Amazon's S3 and SQS, for the end-to-end tests: both
// forget everything when it ends, and check no credentials.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/Admiral-Piett/goaws/app/gosqs"
	"github.com/Admiral-Piett/goaws/app/router"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/sirupsen/logrus"
)

func main() {
	s3 := flag.String("s3", "", "address for S3, with the bucket in the path")
	sqs := flag.String("sqs", "", "address for SQS")
	flag.Parse()
	logrus.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	quit := make(chan bool)
	go gosqs.PeriodicTasks(100*time.Millisecond, quit)
	defer close(quit)
	ended := make(chan error, 2)
	for address, handler := range map[string]http.Handler{*s3: gofakes3.New(s3mem.New()).Server(), *sqs: router.New()} {
		server := &http.Server{Addr: address, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { ended <- server.ListenAndServe() }()
		defer server.Close()
	}
	select {
	case err := <-ended:
		if !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(fmt.Errorf("listening: %w", err))
		}
	case <-ctx.Done():
	}
}
