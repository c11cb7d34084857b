//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/test/localcluster"
)

const root = "../.."

var (
	cluster *localcluster.Cluster
	kube    client.Client // cluster.Kube
	cli     string        // the compiled headway
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if cluster, err = localcluster.Connect(context.Background()); err != nil {
		fmt.Println("bringing the local cluster up:", err)
		if err := command("make", "up", "FORGE=gitea"); err != nil {
			return 1, fmt.Errorf("bringing the local cluster up: %w", err)
		}
		if cluster, err = localcluster.Connect(context.Background()); err != nil {
			return 1, err
		}
	}
	kube = cluster.Kube

	bin, err := os.MkdirTemp("", "headway-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	cli = filepath.Join(bin, "headway")
	if err := command("go", "build", "-o", cli, "./cmd/headway"); err != nil {
		return 1, fmt.Errorf("compiling the CLI: %w", err)
	}
	// The CLI finds the cluster as people's tools do.
	if err := os.Setenv("KUBECONFIG", cluster.Kubeconfig); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// command runs a program in the repository's root and shows what it prints.
func command(name string, arguments ...string) error {
	c := exec.Command(name, arguments...)
	c.Dir, c.Stdout, c.Stderr = root, os.Stdout, os.Stderr
	return c.Run()
}
