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
)

const (
	// SystemNamespace is where Headway runs, BuildNamespace where builds do.
	SystemNamespace, BuildNamespace = "headway-system", "headway-builds"
	// PublicPort is where the activator answers on loopback.
	PublicPort = "8080"
	// WebhookURL is where the controller takes webhooks on loopback.
	WebhookURL = "http://127.0.0.1:8081/webhook"
	// GitUser is the one account of the git server.
	GitUser = "headway"
)

// Cluster is a running local cluster with Headway on it.
type Cluster struct {
	// Kube speaks every type of Headway and of Kubernetes.
	Kube client.WithWatch
	// Logs reads the logs of pods, which Kube cannot.
	Logs kubernetes.Interface
	// Kubeconfig is the administrator's, for programs.
	Kubeconfig string
	// GitPassword is GitUser's.
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
	password, err := os.ReadFile(places.State("git-password"))
	if err != nil {
		return nil, fmt.Errorf("reading the git server's password: %w", err)
	}
	c.GitPassword = strings.TrimSpace(string(password))
	return c, nil
}
