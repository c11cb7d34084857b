// Command buildstep is what the steps of Headway's own build templates run:
// fetch, modules, go, static, dockerfile, push. Templates of other people may use fetch
// and push too; docs/build-templates.md says how.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
	"github.com/headway-dev/headway/pipelines/contract"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err == nil {
		return
	}
	// The compiler's and BuildKit's own last lines say it better than we can.
	if !errors.As(err, new(*tool.Failed)) {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if errors.As(err, new(*tool.Passing)) {
		os.Exit(contract.ExitPassing)
	}
	os.Exit(1)
}
