//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler"
	revisions "github.com/headway-dev/headway/reconciler/revision"
	"github.com/headway-dev/headway/reconciler/trial"
)

// tenants are two namespaces with their Repositories, and a build namespace, in
// which nobody but one test builds.
type tenants struct {
	*testing.T
	builds string
	// repositories by namespace.
	repositories map[string][]string
	// started are the runs in the order in which they were seen, of which as many
	// are under way as have not ended.
	started []pipelines.TaskRun
	ended   int
}

const (
	buildSlots = 2
	pushesEach = 6
)

// TestBuildsTakeTurns: thirty pushes of five Repositories, two slots. Never more
// than two runs are under way, each Repository has its turn, and all end, although
// the controller is killed on the way.
func TestBuildsTakeTurns(t *testing.T) {
	a, b := namespace(t), namespace(t)
	s := &tenants{T: t, builds: namespace(t), repositories: map[string][]string{a: {"a1", "a2", "a3"}, b: {"b1", "b2"}}}
	template := &pipelines.Task{}
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: builds, Name: "headway-static"}, template); err != nil {
		t.Fatal(err)
	}
	template.ObjectMeta = metav1.ObjectMeta{Namespace: s.builds, Name: template.Name, Labels: template.Labels}
	if err := api.Create(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	all := s.push()
	stop := s.reconcile()
	s.settle(buildSlots, all-buildSlots)
	for s.ended < all {
		s.end(s.started[s.ended])
		s.ended++
		if s.ended == all/2 {
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			s.end(s.started[s.ended]) // while nobody looks
			s.ended++
			stop = s.reconcile()
		}
		under := min(buildSlots, all-s.ended)
		s.settle(under, all-s.ended-under)
	}
	s.checkTurns()
	s.forget()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// push makes all revisions, each of an app of its own, so that none replaces
// another.
func (s *tenants) push() (all int) {
	s.Helper()
	for ns, repositories := range s.repositories {
		for _, repository := range repositories {
			for i := range pushesEach {
				mustApply(s.T, in(ns, revision(fields{
					"metadata.name": fmt.Sprintf("%s-%d-1a2b3c4d", repository, i), "spec.app": fmt.Sprintf("%s-%d", repository, i),
					"spec.repository": repository, "spec.build.template": "static",
				})), watcher)
				all++
			}
		}
	}
	return all
}

// reconcile runs reconcilers of these namespaces.
func (s *tenants) reconcile() (stop func() error) {
	s.Helper()
	options := reconciler.CacheOptions(s.builds)
	options.DefaultNamespaces = map[string]cache.Config{}
	for ns := range s.repositories {
		options.DefaultNamespaces[ns] = cache.Config{}
	}
	mgr, err := ctrl.NewManager(server, ctrl.Options{
		Scheme: scheme, Cache: options,
		Client:     client.Options{Cache: &client.CacheOptions{DisableFor: reconciler.Uncached()}},
		Controller: config.Controller{SkipNameValidation: new(true)},
		Metrics:    metrics.Options{BindAddress: "0"},
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = reconciler.Setup(ctx, mgr, reconciler.Options{
		Public: address.Public{Scheme: "http", Domain: "localhost", Port: 8080},
		Builds: revisions.Builds{
			Registry: strings.TrimPrefix(running.registry.URL, "http://") + "/apps", BuildNamespace: s.builds, ArtifactURL: "http://artifacts.example.com", Slots: buildSlots,
		},
		Trials: trial.New(nil),
	})
	if err != nil {
		s.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// settle waits until so many runs are under way and so many revisions wait, takes
// note of what has started, and sees that it is not too much.
func (s *tenants) settle(under, wait int) {
	s.Helper()
	deadline, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	for {
		err := s.look(under, wait)
		if err == nil {
			return
		}
		select {
		case <-deadline.Done():
			s.Fatal(err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *tenants) look(under, wait int) error {
	s.Helper()
	var runs pipelines.TaskRunList
	if err := api.List(s.Context(), &runs, client.InNamespace(s.builds), client.HasLabels{v1alpha1.LabelBuildKey}); err != nil {
		return err
	}
	for _, run := range runs.Items {
		if !slices.ContainsFunc(s.started, func(known pipelines.TaskRun) bool { return known.Name == run.Name }) {
			s.started = append(s.started, run)
		}
	}
	if got := len(s.started) - s.ended; got > buildSlots {
		s.Fatalf("%d builds are under way at once", got)
	} else if got != under {
		return fmt.Errorf("%d builds are under way, want %d", got, under)
	}
	places := map[string]bool{}
	for ns := range s.repositories {
		var list v1alpha1.RevisionList
		if err := api.List(s.Context(), &list, client.InNamespace(ns)); err != nil {
			return err
		}
		for _, rev := range list.Items {
			for _, c := range rev.Status.Conditions {
				if c.Reason == v1alpha1.ReasonWaitingForSlot {
					wait--
					places[c.Message] = true
				}
			}
		}
	}
	if wait != 0 {
		return fmt.Errorf("%d more should wait", wait)
	}
	if len(places) > 0 && !places["waiting for a build slot (next)"] {
		return errors.New("nobody is next")
	}
	return nil
}

// end plays Tekton: a run succeeds.
func (s *tenants) end(run pipelines.TaskRun) {
	s.Helper()
	o := object("TaskRun", run.Name, fields{
		"status.podName":    run.Name + "-pod",
		"status.conditions": []any{condition("Succeeded", "True", "Succeeded")},
		"status.results":    []any{map[string]any{"name": "digest", "type": "string", "value": sha}},
	})
	o.SetAPIVersion("tekton.dev/v1")
	mustApplyStatus(s.T, in(s.builds, o), "tekton")
}

// checkTurns sees that while all Repositories had something to build, no namespace
// had two more builds than another, and no Repository two more than another one of
// its namespace. The first ones started before all others had come.
func (s *tenants) checkTurns() {
	s.Helper()
	turns := map[string]int{}
	var order []string
	for _, run := range s.started {
		order = append(order, run.Labels[v1alpha1.LabelRepository])
	}
	for i, run := range s.started[buildSlots:] {
		ns, repository := run.Labels[v1alpha1.LabelNamespace], run.Labels[v1alpha1.LabelRepository]
		turns[ns]++
		turns[repository]++
		if turns[repository] >= pushesEach-buildSlots { // nobody has run out before
			return
		}
		for other, repositories := range s.repositories {
			if turns[ns] > turns[other]+2 {
				s.Errorf("after %d builds a namespace is ahead: %v", i+1, order)
			}
			for _, beside := range repositories {
				if other == ns && turns[repository] > turns[beside]+2 {
					s.Errorf("after %d builds %s is ahead of %s: %v", i+1, repository, beside, order)
				}
			}
		}
	}
}

// forget removes the revisions while somebody is there to clean up after them.
func (s *tenants) forget() {
	s.Helper()
	for ns := range s.repositories {
		if err := api.DeleteAllOf(s.Context(), &v1alpha1.Revision{}, client.InNamespace(ns)); err != nil {
			s.Fatal(err)
		}
		if err := api.DeleteAllOf(s.Context(), &corev1.Pod{}, client.InNamespace(ns)); err != nil {
			s.Fatal(err)
		}
		eventually(s.T, "the revisions are gone", func() error {
			var list v1alpha1.RevisionList
			err := api.List(s.Context(), &list, client.InNamespace(ns))
			if err == nil && len(list.Items) > 0 {
				err = fmt.Errorf("%d are left", len(list.Items))
			}
			return err
		})
	}
}
