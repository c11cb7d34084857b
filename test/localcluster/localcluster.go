// Package localcluster is how the end-to-end tests and the benchmark reach the
// local cluster: its API, its git server and the apps on it. It starts nothing;
// `make up` does.
package localcluster

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/worktree"
)

// SystemNamespace is where Headway runs, BuildNamespace where builds do.
const SystemNamespace, BuildNamespace = "headway-system", "headway-builds"

// Cluster is a running local cluster with Headway on it.
type Cluster struct {
	// Kube speaks every type of Headway and of Kubernetes.
	Kube client.WithWatch
	// Logs reads the logs of pods, which Kube cannot.
	Logs kubernetes.Interface
	// Kubeconfig is the administrator's, for programs.
	Kubeconfig string
	// GitPassword is that of layout.GitUser.
	GitPassword string
}

// Connect fails unless the cluster answers and knows Headway's types.
func Connect(ctx context.Context) (*Cluster, error) {
	places, err := layout.New()
	if err != nil {
		return nil, err
	}
	c := &Cluster{Kubeconfig: places.Kubeconfig()}
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 100, 200
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}
	if c.Kube, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if c.Logs, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := c.Kube.List(ctx, &v1alpha1.RepositoryList{}); err != nil {
		return nil, fmt.Errorf("asking the cluster for repositories: %w", err)
	}
	password, err := os.ReadFile(places.GitPassword())
	if err != nil {
		return nil, fmt.Errorf("reading the git server's password: %w", err)
	}
	c.GitPassword = strings.TrimSpace(string(password))
	return c, nil
}

// NewWorkTree makes a work tree of an example folder in dir, to be pushed to the
// repository "owner/name".
func (c *Cluster) NewWorkTree(ctx context.Context, dir, name, example string) (*worktree.Tree, error) {
	return worktree.New(ctx, dir, example, worktree.GitServer(name, c.GitPassword))
}
