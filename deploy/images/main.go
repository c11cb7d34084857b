// Command images puts Headway's images into a registry and prints, as JSON,
// the reference of each by digest. Whoever installs with other tools than
// `make deploy` writes these into their own kustomization.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/headway-dev/headway/deploy/images/platform"
	"github.com/headway-dev/headway/deploy/local/layout"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	registry := flag.String("registry", "", "`registry` with a path if wanted, such as registry.example.com/headway (required)")
	only := flag.String("only", "", "comma-separated `names` of the images wanted; default: all")
	flag.Parse()
	if err := publish(ctx, *registry, *only); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func publish(ctx context.Context, registry, only string) error {
	places, err := layout.New()
	if err != nil {
		return err
	}
	references, err := platform.Publish(ctx, platform.Options{
		Module: ".", Cache: filepath.Join(places.Root, "images"), Registry: registry,
		Only:     strings.FieldsFunc(only, func(r rune) bool { return r == ',' }),
		Progress: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	})
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(references)
}
