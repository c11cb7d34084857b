// Command staticserver serves a folder of files on $PORT (default 8080). It is
// the program in images that the template "static" builds.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/headway-dev/headway/cmd/program"
	"github.com/headway-dev/headway/cmd/staticserver/site"
)

func main() {
	fallback := flag.String("fallback", "", "`file` of the folder that answers unknown paths of a single-page app")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: staticserver [--fallback=FILE] FOLDER")
		os.Exit(2)
	}
	program.Main(func(ctx context.Context) error {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+cmp.Or(os.Getenv("PORT"), "8080"))
		if err != nil {
			return err
		}
		return site.Serve(ctx, listener, flag.Arg(0), *fallback)
	})
}
