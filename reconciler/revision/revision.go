// Package revision brings a Revision to its image and its image to ready pods.
//
// It promises that a build is made once per content key, that the image of a
// revision never changes, and that a failure says the commit, the step and the
// last log lines. It does not decide what takes traffic; reconciler/app does.
//
// Each reconciliation observes (reads only), plans (pure: PlanFor) and applies.
package revision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/render"
)

// Images reads registries.
type Images interface {
	// Find returns the digest and configuration of repository:tag; the digest
	// is empty when there is none. A configuration has the size of the image.
	Find(ctx context.Context, repository, tag string) (string, *v1alpha1.ImageConfig, error)
	// Config returns the configuration of an image that is named by digest, if
	// people of the namespace may see it.
	Config(ctx context.Context, namespace, image string) (*v1alpha1.ImageConfig, error)
	// Remove removes an image that is named by digest, where the registry lets it.
	Remove(ctx context.Context, image string) error
}

// Logs reads the end of a container's log.
type Logs interface {
	Tail(ctx context.Context, namespace, pod, container string) (string, error)
}

// Prober asks starting pods whether they take requests.
type Prober interface {
	// Answered says for how much longer an answer of a container counts; 0 when
	// it does not.
	Answered(container string) time.Duration
	// Since is when the answers began that count, or have counted; zero while
	// there are none.
	Since(container string) time.Time
	// Ask begins to ask a container, once. The revision is reconciled when an
	// answer comes.
	Ask(target probe.Target, revision client.ObjectKey)
}

// Ports finds out what pods listen on that do not answer where they should.
type Ports interface {
	// Known is what was found of a pod.
	Known(pod string) probe.Listening
	// Find looks, once for each container of the pod.
	Find(ctx context.Context, pod, container, host string, port int32) probe.Listening
}

// Builds say where builds run and where their results go.
type Builds struct {
	// Registry is the host and prefix of built images.
	Registry string
	// BuildNamespace holds TaskRuns and build templates.
	BuildNamespace string
	// ArtifactURL is the base under which build pods fetch sources.
	ArtifactURL string
	// RegistrySecret in the build namespace lets builds push; empty when the
	// registry needs no credentials.
	RegistrySecret string
	// Slots is how many builds run at once, at least 1. The others wait.
	Slots int
	// InsecureRegistries, as host:port, speak plain http.
	InsecureRegistries []string
}

// Reconciler reconciles Revisions.
type Reconciler struct {
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Metadata reads Secrets and ConfigMaps, of which nothing but the metadata is
	// in the cache.
	Metadata client.Reader
	Events   events.EventRecorder
	Images   Images
	Logs     Logs
	Prober   Prober
	Ports    Ports
	// Public is how revisions are reached.
	Public address.Public
	Builds
	// Park is what parked pods are made with.
	Park render.Park

	written apply.Written
	slots   slots
}

// Reconcile takes one Revision a step further.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var rev v1alpha1.Revision
	if err := r.Client.Get(ctx, req.NamespacedName, &rev); err != nil {
		r.written.Forget(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if r.written.Ahead(&rev) {
		return ctrl.Result{}, nil
	}
	if rev.DeletionTimestamp != nil {
		return outcome(r.finalize(ctx, &rev))
	}
	return outcome(r.advance(ctx, &rev, time.Now()))
}

// advance observes, plans and applies. The duration says when time alone may
// change the plan; 0 is never.
func (r *Reconciler) advance(ctx context.Context, rev *v1alpha1.Revision, now time.Time) (time.Duration, error) {
	seen, err := r.observe(ctx, rev)
	if err != nil {
		return 0, fmt.Errorf("observing revision %s: %w", rev.Name, err)
	}
	if seen.App != nil && seen.App.Spec.Preview != nil && seen.App.DeletionTimestamp != nil {
		return 0, r.stop(ctx, seen)
	}
	plan := PlanFor(seen, now)
	switch {
	case plan.action == createRun:
		if plan, err = r.planNewRun(ctx, &seen, now); err != nil {
			return 0, err
		}
	case plan.action == equipRun && pipelines.UsesModules(seen.Run):
		if seen.Modules, err = r.modules(ctx, seen); err != nil {
			return 0, err
		}
	case plan.readImage:
		seen.Given = r.given(ctx, rev)
		plan = PlanFor(seen, now)
	case plan.readLog:
		seen.BuildLog = r.buildLog(ctx, seen)
		plan = PlanFor(seen, now)
	case len(plan.look) > 0:
		for _, pod := range plan.look {
			seen.Listening[pod.UID] = r.Ports.Find(ctx, string(pod.UID), kubelet.App(&pod).ContainerID, pod.Status.PodIP, rev.Spec.Port)
		}
		plan = PlanFor(seen, now)
	}
	if err := r.apply(ctx, seen, plan); err != nil {
		if plan.action == createRun {
			r.unclaim(plan.Status.Build.Run)
		}
		return 0, fmt.Errorf("applying revision %s: %w", rev.Name, err)
	}
	return plan.RequeueAfter, nil
}

// planNewRun looks at what a new build depends on. A build that is told to wait
// asks nobody else before its turn comes.
func (r *Reconciler) planNewRun(ctx context.Context, seen *Seen, now time.Time) (Plan, error) {
	var err error
	if waitsForSlot(seen.Revision) {
		if seen.Turn, err = r.looksAhead(ctx, *seen, now); err != nil {
			return Plan{}, err
		}
		if !seen.Turn.Starts {
			return PlanFor(*seen, now), nil
		}
	}
	seen.Pushed = r.pushed(ctx, *seen)
	if seen.Modules, err = r.modules(ctx, *seen); err != nil {
		return Plan{}, err
	}
	plan := PlanFor(*seen, now)
	if plan.action != createRun {
		return plan, nil
	}
	if seen.Turn, err = r.turn(ctx, *seen, now); err != nil {
		return Plan{}, err
	}
	return PlanFor(*seen, now), nil
}

// outcome says when to come again.
func outcome(wait time.Duration, err error) (ctrl.Result, error) {
	if errors.As(err, &refused{}) { // a person may change a quota or a policy
		return ctrl.Result{RequeueAfter: time.Minute}, nil
	}
	return apply.Outcome(wait, err)
}
