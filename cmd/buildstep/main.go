// Command buildstep is what the steps of Headway's own build templates run:
// fetch, modules, go, static, dockerfile, push. Two more, forget and evict, look
// after the caches of builds. Templates of other people may use fetch
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
	ended := ctx.Err() != nil
	stop()
	if err == nil {
		return
	}
	// The compiler's and BuildKit's own last lines say it better than we can.
	if !errors.As(err, new(*tool.Failed)) {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	os.Exit(exitCode(err, ended))
}

// exitCode is that of a step that has failed. One that was asked to end, as its
// pod is when its node is drained or has to make room for an app, failed at
// nothing of what it builds.
func exitCode(err error, ended bool) int {
	if ended || errors.As(err, new(*tool.Passing)) {
		return contract.ExitPassing
	}
	return 1
}
