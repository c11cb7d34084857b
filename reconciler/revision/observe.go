package revision

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/pipelines/contract"
	"github.com/headway-dev/headway/reconciler/diagnose"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/registry"
)

// observe reads what a plan rests on, all of it from caches. What costs a call
// to elsewhere is read only when a plan turns out to need it; see advance.
func (r *Reconciler) observe(ctx context.Context, rev *v1alpha1.Revision) (Seen, error) {
	seen := Seen{
		Revision:   rev,
		Repository: r.repository(rev),
		Park:       r.Park,
	}
	var err error
	if seen.App, err = index.Lookup(ctx, r.Client, rev.Namespace, rev.Spec.App, &v1alpha1.App{}); err != nil {
		return seen, err
	}
	if rev.Spec.Preview == nil && !seen.onlyBuilt() { // a preview has one host, which may be secret
		seen.URL = r.Public.URL(r.Public.Host(rev.Namespace, rev.Name))
	}
	if seen.References, err = r.referenceVersions(ctx, rev); err != nil {
		return seen, err
	}
	if rev.Status.Image != "" || rev.Spec.Image != "" {
		return seen, r.observeRuntime(ctx, &seen)
	}
	if seen.Siblings, err = r.siblings(ctx, rev); err != nil {
		return seen, err
	}
	if seen.Sharing, err = r.sharing(ctx, rev); err != nil {
		return seen, err
	}
	return seen, r.observeBuild(ctx, &seen)
}

func (r *Reconciler) repository(rev *v1alpha1.Revision) string {
	return r.Registry + "/" + rev.Namespace + "/" + rev.BuildApp()
}

// siblings are the other revisions of the app that are to stay.
func (r *Reconciler) siblings(ctx context.Context, rev *v1alpha1.Revision) ([]v1alpha1.Revision, error) {
	return r.others(ctx, rev, client.MatchingFields{index.RevisionApp: rev.Spec.App})
}

// sharing are the other revisions of the same builds that are to stay.
func (r *Reconciler) sharing(ctx context.Context, rev *v1alpha1.Revision) ([]v1alpha1.Revision, error) {
	return r.others(ctx, rev, client.MatchingFields{index.RevisionBuilds: rev.BuildApp()})
}

func (r *Reconciler) others(ctx context.Context, rev *v1alpha1.Revision, fields client.MatchingFields) ([]v1alpha1.Revision, error) {
	var list v1alpha1.RevisionList
	if err := r.Client.List(ctx, &list, client.InNamespace(rev.Namespace), fields); err != nil {
		return nil, fmt.Errorf("listing the revisions beside %s: %w", rev.Name, err)
	}
	return slices.DeleteFunc(list.Items, func(other v1alpha1.Revision) bool {
		return other.Name == rev.Name || other.DeletionTimestamp != nil
	}), nil
}

func (r *Reconciler) observeRuntime(ctx context.Context, seen *Seen) (err error) {
	rev := seen.Revision
	if seen.Deployment, err = index.Lookup(ctx, r.Client, rev.Namespace, rev.Name, &appsv1.Deployment{}); err != nil {
		return err
	}
	if seen.Standby, err = index.Lookup(ctx, r.Client, rev.Namespace, v1alpha1.StandbyName(rev.Name), &appsv1.Deployment{}); err != nil {
		return err
	}
	var pods corev1.PodList
	err = r.Client.List(ctx, &pods, client.InNamespace(rev.Namespace), client.MatchingFields{index.PodRevision: rev.Name})
	if err != nil {
		return fmt.Errorf("listing pods: %w", err)
	}
	seen.Pods = pods.Items
	running, _ := split(pods.Items)
	seen.Answered, seen.Since = map[types.UID]time.Duration{}, map[types.UID]time.Time{}
	seen.Listening = map[types.UID]probe.Listening{}
	for i := range running {
		pod := &running[i]
		seen.Listening[pod.UID] = r.Ports.Known(string(pod.UID))
		if status := kubelet.App(pod); status != nil && !rev.Status.EverReady {
			seen.Answered[pod.UID] = r.Prober.Answered(status.ContainerID)
			seen.Since[pod.UID] = r.Prober.Since(status.ContainerID)
		}
	}
	if rev.Status.EverReady && rev.Spec.Scale.Standby == 0 {
		return nil
	}
	if seen.Siblings, err = r.siblings(ctx, rev); err != nil || rev.Status.EverReady {
		return err
	}
	seen.Hold = holdFor(rev, seen.App, seen.Siblings)
	return nil
}

func (r *Reconciler) observeBuild(ctx context.Context, seen *Seen) error {
	rev := seen.Revision
	if err := r.observeTemplate(ctx, seen); err != nil {
		return err
	}
	runs, err := r.runs(ctx, rev)
	if err != nil {
		return err
	}
	seen.Key = keyFor(rev, seen.Template, runs)
	if seen.Run = runOf(runs, seen.Key); seen.Run != nil {
		seen.Outcome = pipelines.Read(seen.Run)
	}
	return nil
}

// runs are the TaskRuns of the builds that the revision shares.
func (r *Reconciler) runs(ctx context.Context, rev *v1alpha1.Revision) ([]pipelines.TaskRun, error) {
	var list pipelines.TaskRunList
	err := r.Client.List(ctx, &list, client.InNamespace(r.BuildNamespace),
		client.MatchingFields{index.RunApp: index.App(rev.Namespace, rev.BuildApp())})
	if err != nil {
		return nil, fmt.Errorf("listing build runs of %s: %w", rev.BuildApp(), err)
	}
	return list.Items, nil
}

// observeTemplate finds the build template, or says why there is none.
func (r *Reconciler) observeTemplate(ctx context.Context, seen *Seen) error {
	wanted := seen.Revision.Spec.Build.Template
	var tasks pipelines.TaskList
	if err := r.Client.List(ctx, &tasks, client.InNamespace(r.BuildNamespace)); err != nil {
		return fmt.Errorf("listing build templates: %w", err)
	}
	var names []string
	for i := range tasks.Items {
		name := tasks.Items[i].Labels[v1alpha1.LabelTemplate]
		names = append(names, name)
		if name != wanted || seen.Template != nil {
			continue
		}
		template, err := pipelines.TemplateOf(&tasks.Items[i])
		if err != nil {
			seen.TemplateProblem = err.Error()
			continue
		}
		seen.Template, seen.TemplateProblem = &template, ""
	}
	if seen.Template == nil && seen.TemplateProblem == "" {
		seen.TemplateProblem = contract.NotFound(wanted, names).Error()
	}
	return nil
}

// buildLog is the end of the failed step's log. The pod may be gone, so none is
// no error: the failure itself is known.
func (r *Reconciler) buildLog(ctx context.Context, seen Seen) []string {
	log, err := r.Logs.Tail(ctx, seen.Run.Namespace, seen.Outcome.Pod, seen.Outcome.Container)
	if err != nil {
		ctrllog.FromContext(ctx).Info("cannot read the log of a failed build step", "pod", seen.Outcome.Pod, "error", err.Error())
	}
	return diagnose.LastLines(log)
}

// pushed asks the registry for the image of an equal build. A registry that
// does not answer is no reason not to build.
func (r *Reconciler) pushed(ctx context.Context, seen Seen) *Pushed {
	digest, config, err := r.Images.Find(ctx, seen.Repository, pipelines.Tag(seen.Key))
	if err != nil {
		ctrllog.FromContext(ctx).Info("cannot look for an earlier build in the registry, building", "error", err.Error())
		return nil
	}
	if digest == "" {
		return nil
	}
	return &Pushed{Image: seen.Repository + "@" + digest, Config: config}
}

// given reads the image that headway.yaml names. An error is part of the
// answer.
func (r *Reconciler) given(ctx context.Context, rev *v1alpha1.Revision) *Given {
	config, err := r.Images.Config(ctx, rev.Namespace, rev.Spec.Image)
	if err != nil {
		ctrllog.FromContext(ctx).Info("cannot read the configuration of an image", "image", rev.Spec.Image, "error", err.Error())
		return &Given{Problem: registry.Reason(err), Passing: registry.Passing(err)}
	}
	return &Given{Config: config}
}

// referenceVersions are the objects that a revision refers to, each once, as far
// as they exist. Their content is never read.
func (r *Reconciler) referenceVersions(ctx context.Context, rev *v1alpha1.Revision) ([]v1alpha1.ReferenceVersion, error) {
	var found []v1alpha1.ReferenceVersion
	looked := map[string]bool{}
	for _, ref := range rev.Spec.References() {
		if looked[ref.Object()] {
			continue
		}
		looked[ref.Object()] = true
		object, err := r.referenced(ctx, rev.Namespace, ref)
		if err != nil {
			return nil, err
		}
		if object != nil {
			found = append(found, v1alpha1.ReferenceVersion{Kind: ref.Kind, Name: ref.Name, Version: object.ResourceVersion})
		}
	}
	return found, nil
}

// referenced is the metadata of an object that a revision refers to; nil if it
// does not exist. The cache is not believed that there is none: it may lag behind
// what pods are started with, and if the object changed before the cache has it,
// that change would be taken for its coming, and no pod be replaced.
func (r *Reconciler) referenced(ctx context.Context, namespace string, ref v1alpha1.Reference) (*metav1.PartialObjectMetadata, error) {
	for _, reader := range []client.Reader{r.Metadata, r.Live} {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(ref.Kind))
		object, err := index.Lookup(ctx, reader, namespace, ref.Name, object)
		if object != nil || err != nil {
			return object, err
		}
	}
	return nil, nil
}
