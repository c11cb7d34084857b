// Package kubectl changes a cluster by kubectl, as a person would.
package kubectl

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
)

// Kubectl is the program and the cluster that it talks to.
type Kubectl struct {
	// Path is the program's.
	Path string
	// Kubeconfig names the cluster. Default: that of the environment.
	Kubeconfig string
}

// Run runs kubectl with an input, and returns what it printed.
func (k Kubectl) Run(ctx context.Context, stdin string, args ...string) (string, error) {
	program := exec.CommandContext(ctx, k.Path, args...)
	program.Stdin = strings.NewReader(stdin)
	if k.Kubeconfig != "" {
		program.Env = append(os.Environ(), "KUBECONFIG="+k.Kubeconfig)
	}
	return command.Output(program)
}

// Apply makes the objects of a YAML stream be as written there, whoever changed
// them before. manager is who owns their fields from then on.
func (k Kubectl) Apply(ctx context.Context, manager string, objects []byte) error {
	_, err := k.Run(ctx, string(objects), "apply", "--server-side", "--force-conflicts", "--field-manager="+manager, "--filename=-")
	return err
}

// Rollout waits up to three minutes until a workload, such as deployment/name, runs
// as applied. A failure comes with what its pods and the namespace's events say.
func (k Kubectl) Rollout(ctx context.Context, namespace, name string) error {
	namespace = "--namespace=" + namespace
	_, err := k.Run(ctx, "", "rollout", "status", name, namespace, "--timeout=3m")
	if err == nil || ctx.Err() != nil {
		return err
	}
	pods, _ := k.Run(ctx, "", "get", "pods", namespace)
	events, _ := k.Run(ctx, "", "get", "events", namespace, "--field-selector=type=Warning", "--sort-by=.lastTimestamp", "--no-headers")
	logs, _ := k.Run(ctx, "", "logs", namespace, name, "--tail=20", "--prefix")
	return fmt.Errorf("waiting for %s: %w\n%s\n%s\n%s", name, err, pods, command.LastLines(events, 10), logs)
}
