package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/headway-dev/headway/deploy/kubectl"
)

// Both say what to do.
var (
	errNoCluster = errors.New("no cluster answers: set KUBECONFIG to one, or bring up the local one with make up")
	errNoTekton  = errors.New("this cluster has no Tekton Pipelines; Headway builds with it.\n" +
		"Install version 1.0 or newer (https://tekton.dev/docs/pipelines/install/), wait for its pods, and run this again")
)

// system is the namespace of Headway's programs.
const system = "headway-system"

// findKubectl finds the kubectl of PATH, for the cluster of KUBECONFIG.
func findKubectl() (kubectl.Kubectl, error) {
	path, err := exec.LookPath("kubectl")
	if err != nil {
		return kubectl.Kubectl{}, errors.New("kubectl is not in PATH: install it from https://kubernetes.io/docs/tasks/tools/")
	}
	return kubectl.Kubectl{Path: path}, nil
}

// checkCluster fails unless there is a cluster, and Tekton on it.
func checkCluster(ctx context.Context, k kubectl.Kubectl) error {
	if _, err := k.Run(ctx, "", "get", "--raw", "/readyz"); err != nil {
		return fmt.Errorf("%w\n%w", errNoCluster, err)
	}
	kinds, err := k.Run(ctx, "", "get", "crd", "--output=name", "--ignore-not-found", "tasks.tekton.dev", "taskruns.tekton.dev")
	if err != nil {
		return err
	}
	if len(strings.Fields(kinds)) < 2 {
		return errNoTekton
	}
	return nil
}

// dropOldSettings removes the ConfigMaps of earlier installations: each has the
// hash of its content in its name, and the one in use is among the objects.
func dropOldSettings(ctx context.Context, k kubectl.Kubectl, objects []byte) error {
	names, err := k.Run(ctx, "", "get", "configmaps", "--namespace="+system, "--selector=headway.dev/settings=true", "--output=name")
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(names) {
		if bytes.Contains(objects, []byte(strings.TrimPrefix(name, "configmap/"))) {
			continue
		}
		if _, err := k.Run(ctx, "", "delete", "--namespace="+system, name); err != nil {
			return err
		}
	}
	return nil
}
