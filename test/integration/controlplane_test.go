//go:build integration

package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

const (
	root = "../.."
	crds = root + "/deploy/crds"
)

// server is the API server of this run, and api the administrator's client.
var (
	server *rest.Config
	api    client.Client
	scheme = runtime.NewScheme()
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	bin, err := programs()
	if err != nil {
		return 1, err
	}
	tekton, err := tektonCRDs()
	if err != nil {
		return 1, err
	}
	plane := &envtest.Environment{
		BinaryAssetsDirectory:    bin,
		CRDDirectoryPaths:        []string{crds, tekton},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: time.Minute,
	}
	defer func() {
		if stopErr := plane.Stop(); stopErr != nil && err == nil {
			err = fmt.Errorf("stopping the control plane: %w", stopErr)
		}
	}()
	if server, err = plane.Start(); err != nil {
		return 1, fmt.Errorf("starting etcd and kube-apiserver out of %s: %w", bin, err)
	}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, pipelines.AddToScheme} {
		if err := add(scheme); err != nil {
			return 1, fmt.Errorf("building the scheme: %w", err)
		}
	}
	if api, err = client.New(server, client.Options{Scheme: scheme}); err != nil {
		return 1, fmt.Errorf("making a client: %w", err)
	}
	stop, err := startReconcilers(context.Background())
	if err != nil {
		return 1, fmt.Errorf("starting the reconcilers: %w", err)
	}
	code = m.Run()
	return code, stop()
}

// programs is the folder of etcd and kube-apiserver: the one that
// KUBEBUILDER_ASSETS names, as with every envtest, else that of the local
// cluster, compiled if need be.
func programs() (string, error) {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); dir != "" {
		return dir, nil
	}
	command := exec.Command("go", "run", "./deploy/local", "components")
	command.Dir = root
	command.Stderr = os.Stderr // its progress
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("compiling the local cluster's programs: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// tektonCRDs is the folder of Tekton's CRDs, of the version that Headway is
// compiled with.
func tektonCRDs() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tektoncd/pipeline").Output()
	if err != nil {
		return "", fmt.Errorf("finding Tekton's module: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "config", "300-crds"), nil
}

// namespace makes a namespace for one test.
func namespace(t *testing.T) string {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := api.Create(t.Context(), ns); err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	t.Cleanup(func() {
		if err := api.Delete(context.Background(), ns); err != nil {
			t.Errorf("deleting namespace %s: %v", ns.Name, err)
		}
	})
	return ns.Name
}
