package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/gitserver"
)

// flags of the program.
type flags struct {
	listen, root, user, passwordFile, webhook string
	urls                                      []string
}

func (f *flags) register(set *flag.FlagSet) {
	set.StringVar(&f.listen, "listen", "127.0.0.1:3000", "`address` to listen on")
	set.StringVar(&f.root, "root", "", "`folder` of the repositories (required)")
	set.Func("url", "`URL` by which others reach this server, once for each; default: http:// and the listen address", func(url string) error {
		f.urls = append(f.urls, url)
		return nil
	})
	set.StringVar(&f.user, "user", "headway", "the `user` who may pull and push")
	set.StringVar(&f.passwordFile, "password-file", "", "`file` with the user's password (required)")
	set.StringVar(&f.webhook, "webhook", "", "`URL` that is told of every push; default: none")
}

// serve runs until the context ends; requests in flight get ten seconds.
func serve(ctx context.Context, f flags, logger *slog.Logger) error {
	if f.root == "" || f.passwordFile == "" {
		return errors.New("--root and --password-file are required")
	}
	password, err := os.ReadFile(f.passwordFile)
	if err != nil {
		return fmt.Errorf("reading password: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	if len(f.urls) == 0 {
		f.urls = []string{"http://" + listener.Addr().String()}
	}
	handler, err := gitserver.New(gitserver.Options{
		Root: f.root, User: f.user, Password: strings.TrimSpace(string(password)),
		URLs: f.urls, Webhook: f.webhook, Logger: logger,
	})
	if err != nil {
		listener.Close()
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	logger.Info("git server ready", "address", listener.Addr().String(), "urls", f.urls)
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("ending: %w", err) // a hint of a request still in flight must find the queue open
	}
	handler.Close()
	return nil
}
