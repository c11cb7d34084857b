package site

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// grace is how long requests in flight may take after the server was told to
// stop; files are quick, slow readers are cut off.
const grace = 20 * time.Second

// Serve answers on the listener until the context ends, then lets the requests
// in flight finish. It closes the listener. fallback is that of New.
func Serve(ctx context.Context, listener net.Listener, folder, fallback string) error {
	defer listener.Close()
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("opening folder: %w", err)
	}
	defer root.Close()
	server := &http.Server{
		Handler:           New(root.FS(), fallback),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		stopped <- server.Shutdown(ending)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	if err := <-stopped; err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}
