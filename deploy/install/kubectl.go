package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
)

// Both say what to do.
var (
	errNoCluster = errors.New("no cluster answers: set KUBECONFIG to one, or bring up the local one with make up")
	errNoTekton  = errors.New("this cluster has no Tekton Pipelines; Headway builds with it.\n" +
		"Install version 1.0 or newer (https://tekton.dev/docs/pipelines/install/), wait for its pods, and run this again")
)

// system is the namespace of Headway's programs.
const system = "headway-system"

// kubectl runs the kubectl of PATH against the cluster of KUBECONFIG.
type kubectl struct{ path string }

func findKubectl() (kubectl, error) {
	path, err := exec.LookPath("kubectl")
	if err != nil {
		return kubectl{}, errors.New("kubectl is not in PATH: install it from https://kubernetes.io/docs/tasks/tools/")
	}
	return kubectl{path: path}, nil
}

func (k kubectl) run(ctx context.Context, stdin []byte, args ...string) (string, error) {
	program := exec.CommandContext(ctx, k.path, args...)
	program.Stdin = bytes.NewReader(stdin)
	return command.Output(program)
}

// checkCluster fails unless there is a cluster, and Tekton on it.
func (k kubectl) checkCluster(ctx context.Context) error {
	if _, err := k.run(ctx, nil, "get", "--raw", "/readyz"); err != nil {
		return fmt.Errorf("%w\n%w", errNoCluster, err)
	}
	kinds, err := k.run(ctx, nil, "get", "crd", "--output=name", "--ignore-not-found", "tasks.tekton.dev", "taskruns.tekton.dev")
	if err != nil {
		return err
	}
	if len(strings.Fields(kinds)) < 2 {
		return errNoTekton
	}
	return nil
}

// apply makes the objects be as written, whoever changed them before.
func (k kubectl) apply(ctx context.Context, objects []byte) error {
	_, err := k.run(ctx, objects, "apply", "--server-side", "--force-conflicts", "--field-manager=headway-install", "--filename=-")
	return err
}

// rollout waits until the Deployment runs as applied. A failure comes with what
// the pods say.
func (k kubectl) rollout(ctx context.Context, name string) error {
	_, err := k.run(ctx, nil, "rollout", "status", "deployment/"+name, "--namespace="+system, "--timeout=3m")
	if err == nil || ctx.Err() != nil {
		return err
	}
	label := "--selector=app.kubernetes.io/name=" + name
	pods, _ := k.run(ctx, nil, "get", "pods", "--namespace="+system, label)
	events, _ := k.run(ctx, nil, "get", "events", "--namespace="+system, "--field-selector=type=Warning", "--sort-by=.lastTimestamp", "--no-headers")
	logs, _ := k.run(ctx, nil, "logs", "--namespace="+system, label, "--tail=20", "--prefix")
	return fmt.Errorf("waiting for %s: %w\n%s\n%s\n%s", name, err, pods, command.LastLines(events, 10), logs)
}

// dropOldSettings removes the ConfigMaps of earlier installations: each has the
// hash of its content in its name, and the one in use is among the objects.
func (k kubectl) dropOldSettings(ctx context.Context, objects []byte) error {
	names, err := k.run(ctx, nil, "get", "configmaps", "--namespace="+system, "--selector=headway.dev/settings=true", "--output=name")
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(names) {
		if bytes.Contains(objects, []byte(strings.TrimPrefix(name, "configmap/"))) {
			continue
		}
		if _, err := k.run(ctx, nil, "delete", "--namespace="+system, name); err != nil {
			return err
		}
	}
	return nil
}
