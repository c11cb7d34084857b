// Command gitserver is the local cluster's git server: real git over smart
// HTTP for one user, with a webhook after every push.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/headway-dev/headway/cmd/program"
	"github.com/headway-dev/headway/deploy/local/gitserver"
)

func main() {
	o := gitserver.Options{Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	listen := flag.String("listen", "127.0.0.1:3000", "`address` to listen on")
	flag.StringVar(&o.Root, "root", "", "`folder` of the repositories (required)")
	flag.Func("url", "`URL` by which others reach this server, once for each (required)", func(url string) error {
		o.URLs = append(o.URLs, url)
		return nil
	})
	flag.StringVar(&o.User, "user", "headway", "the `user` who may pull and push")
	passwordFile := flag.String("password-file", "", "`file` with the user's password (required)")
	flag.StringVar(&o.Webhook, "webhook", "", "`URL` that is told of every push; default: none")
	flag.Parse()
	program.Main(func(ctx context.Context) error {
		if o.Root == "" || *passwordFile == "" {
			return errors.New("--root and --password-file are required")
		}
		password, err := os.ReadFile(*passwordFile)
		if err != nil {
			return fmt.Errorf("reading password: %w", err)
		}
		o.Password = strings.TrimSpace(string(password))
		return serve(ctx, *listen, o)
	})
}

// serve runs until the context ends; requests in flight get ten seconds.
func serve(ctx context.Context, listen string, o gitserver.Options) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	defer listener.Close()
	handler, err := gitserver.New(o)
	if err != nil {
		return err
	}
	o.Logger.Info("git server ready", "address", listener.Addr().String(), "urls", o.URLs)
	if err := program.Serve(ctx, listener, handler, 10*time.Second); err != nil {
		return err // a hint of a request still in flight must find the queue open
	}
	handler.Close()
	return nil
}
