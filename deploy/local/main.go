// Command local brings up the local cluster: a real Kubernetes with Tekton, a
// registry, a git server and Headway on one Linux machine, with nothing but Go,
// git and root. `go run ./deploy/local up` is safe to repeat and safe to kill.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/headway-dev/headway/deploy/local/layout"
)

const usage = `usage: local up|down|status|env|components

  up          bring the cluster up (repeat it at will); --forge=gitea: with a Gitea;
              --eventing-replicas=3: with three pods that keep events
  down        take it away again; compiled programs, images and build caches stay
  status      say what runs
  env         print shell commands for KUBECONFIG and PATH: eval "$(go run ./deploy/local env)"
  components  only compile the programs of the cluster, print their folder;
              --forge=gitea: Gitea, too
`

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	places, err := layout.New()
	if err == nil {
		err = run(ctx, places, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nerror:", err)
		os.Exit(1)
	}
}
