package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// RequestTimeout bounds every single request but a followed log.
const RequestTimeout = 20 * time.Second

// DefaultBuildNamespace is where the templates are and builds run, unless the
// controller was told otherwise.
const DefaultBuildNamespace = "headway-builds"

// Access finds a cluster the way kubectl does.
type Access struct {
	kubeconfig, context, namespace string
}

// NewAccess adds the flags for it to a command and all below it.
func NewAccess(root *cobra.Command) *Access {
	a := &Access{}
	f := root.PersistentFlags()
	f.StringVar(&a.kubeconfig, "kubeconfig", "", "kubeconfig file (default: $KUBECONFIG, then ~/.kube/config)")
	f.StringVar(&a.context, "context", "", "context of the kubeconfig (default: its current one)")
	f.StringVarP(&a.namespace, "namespace", "n", "", "namespace (default: that of the context, then default)")
	_ = root.MarkPersistentFlagFilename("kubeconfig")
	return a
}

// Cluster is one cluster and the namespace to look in.
type Cluster struct {
	client.Client
	// Typed reads logs, and asks what is no object; it has no timeout of its own.
	Typed     kubernetes.Interface
	Namespace string
	host      string
}

// ErrNoCluster is that of Connect where no kubeconfig names a cluster.
var ErrNoCluster = errors.New("no cluster is configured: --kubeconfig, $KUBECONFIG and ~/.kube/config name none. In a checkout of Headway, make up starts a local cluster and prints its KUBECONFIG")

// Connect reads the kubeconfig; it sends nothing yet.
func (a *Access) Connect() (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = a.kubeconfig
	overrides := &clientcmd.ConfigOverrides{CurrentContext: a.context}
	overrides.Context.Namespace = a.namespace
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, ErrNoCluster
	} else if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 50, 100
	c := &Cluster{Namespace: namespace, host: config.Host}
	if c.Typed, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("setting up access to the cluster: %w", err)
	}
	bounded := rest.CopyConfig(config)
	bounded.Timeout = RequestTimeout
	if c.Client, err = client.New(bounded, client.Options{Scheme: Scheme()}); err != nil {
		return nil, c.Advise(fmt.Errorf("setting up access to the cluster: %w", err))
	}
	return c, nil
}

// Run makes what a command that needs the cluster does. Its error gets the
// advice that belongs to it.
func (a *Access) Run(do func(context.Context, *Cluster, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.Connect()
		if err != nil {
			return err
		}
		return c.Advise(do(cmd.Context(), c, args))
	}
}

// Scheme knows the types that the commands read and write.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(s); err != nil {
			panic(fmt.Sprintf("registering API types: %v", err))
		}
	}
	return s
}

// Advise adds what to do to the errors that say little by themselves.
func (c *Cluster) Advise(err error) error {
	var network net.Error
	var request *url.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case meta.IsNoMatchError(err):
		return fmt.Errorf("the cluster at %s has no Headway: its API types are missing; docs/install.md says how to install it", c.host)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: ask the cluster's administrator for this right", err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the cluster at %s refuses the kubeconfig's credentials: %w", c.host, err)
	case errors.As(err, &network) || errors.As(err, &request):
		return fmt.Errorf("cannot reach the cluster at %s (is it running, and is this the right context?): %w", c.host, err)
	}
	return err
}
