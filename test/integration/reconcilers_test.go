//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-containerregistry/pkg/registry"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/reconciler"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
	"github.com/headway-dev/headway/reconciler/render"
	revisions "github.com/headway-dev/headway/reconciler/revision"
	"github.com/headway-dev/headway/reconciler/trial"
)

// The reconcilers of this run look after one namespace only, so that the tests
// of the API itself have the others for themselves.
const (
	reconciled = "reconciled"
	builds     = "builds"
)

// running are the reconcilers, which a test may stop and start again, and what
// activators would report to them.
var running struct {
	registry *httptest.Server
	stop     func() error
	trials   *trial.Feed
	measured sync.Map // of revisions
}

// answered plays the activators: so much was measured of revisions.
func answered(measured map[string]gate.Measured) {
	for revision, m := range measured {
		running.measured.Store(types.NamespacedName{Namespace: reconciled, Name: revision}, trial.Measured{Split: m})
	}
	for revision := range measured {
		running.trials.Changed(types.NamespacedName{Namespace: reconciled, Name: revision})
	}
}

// startReconcilers runs the production reconcilers until they are stopped. There
// are no kubelet and no Tekton: the tests play their parts.
func startReconcilers(ctx context.Context) (stop func() error, err error) {
	ctrllog.SetLogger(logr.Discard()) // what matters shows in conditions
	for _, name := range []string{reconciled, builds} {
		if err := api.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return nil, fmt.Errorf("creating namespace %s: %w", name, err)
		}
	}
	if err := errors.Join(installTemplates(ctx), installRights(ctx)); err != nil {
		return nil, err
	}
	running.registry = httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	if err := runReconcilers(ctx); err != nil {
		return nil, err
	}
	return func() error {
		defer running.registry.Close()
		return running.stop()
	}, nil
}

// restartReconcilers is a controller that ends and starts again: nothing is left
// of what it had in memory.
func restartReconcilers(t *testing.T) {
	t.Helper()
	if err := running.stop(); err != nil {
		t.Fatalf("stopping the reconcilers: %v", err)
	}
	if err := runReconcilers(context.Background()); err != nil {
		t.Fatalf("starting the reconcilers: %v", err)
	}
}

func runReconcilers(ctx context.Context) error {
	options := reconciler.CacheOptions(builds)
	options.DefaultNamespaces = map[string]cache.Config{reconciled: {}}
	mgr, err := ctrl.NewManager(as("headway-controller"), ctrl.Options{
		Scheme:     scheme,
		Cache:      options,
		Client:     client.Options{Cache: &client.CacheOptions{DisableFor: reconciler.Uncached()}},
		Controller: config.Controller{SkipNameValidation: new(true)}, // they start again
		Metrics:    metrics.Options{BindAddress: "0"},
	})
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	running.trials = trial.New(func(revision types.NamespacedName) trial.Measured {
		m, _ := running.measured.Load(revision)
		measured, _ := m.(trial.Measured)
		return measured
	})
	err = reconciler.Setup(ctx, mgr, reconciler.Options{
		Public: address.Public{Scheme: "http", Domain: "localhost", Port: 8080},
		Builds: revisions.Builds{
			Registry:       strings.TrimPrefix(running.registry.URL, "http://") + "/apps",
			BuildNamespace: builds,
			ArtifactURL:    "http://artifacts.example.com",
			Slots:          1000, // runs that no test ends take some
		},
		Park:   render.Park{Image: "registry.example.com/headway/park:1", PublicKey: "cHVibGljIGtleQ=="},
		Trials: running.trials,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	running.stop = func() error {
		cancel()
		return <-ended
	}
	return nil
}

// installTemplates puts the build templates that Headway ships with into the
// build namespace.
func installTemplates(ctx context.Context) error {
	files, err := filepath.Glob(root + "/deploy/templates/*.yaml")
	if err != nil {
		return err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		task := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(data, &task.Object); err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		if task.GetKind() != "Task" {
			continue
		}
		task.SetNamespace(builds)
		if err := api.Create(ctx, task); err != nil {
			return fmt.Errorf("creating the template of %s: %w", file, err)
		}
	}
	return nil
}

// eventually asks until check returns nil.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
