// Command staticserver serves a folder of files on $PORT (default 8080). It is
// the program in images that the template "static" builds.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/headway-dev/headway/cmd/staticserver/site"
)

func main() {
	fallback := flag.String("fallback", "", "`file` of the folder that answers unknown paths of a single-page app")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: staticserver [--fallback=FILE] FOLDER")
		os.Exit(2)
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+port)
	if err == nil {
		err = site.Serve(ctx, listener, flag.Arg(0), *fallback)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
