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

	"github.com/headway-dev/headway/cmd/program"
	"github.com/headway-dev/headway/deploy/images/platform"
)

func main() {
	registry := flag.String("registry", "", "`registry` with a path if wanted, such as registry.example.com/headway (required)")
	flag.Parse()
	program.Main(func(ctx context.Context) error {
		references, err := platform.Publish(ctx, platform.Options{
			Registry: *registry,
			Progress: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
		})
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(references)
	})
}
