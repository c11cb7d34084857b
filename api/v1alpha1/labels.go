package v1alpha1

import (
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// Labels on objects that Headway makes.
const (
	// LabelRepository names the Repository an object comes from.
	LabelRepository = "headway.dev/repository"
	// LabelApp names the App an object belongs to.
	LabelApp = "headway.dev/app"
	// LabelRevision names the Revision an object belongs to.
	LabelRevision = "headway.dev/revision"
	// LabelNamespace names the namespace of the App on objects that live in
	// the build namespace.
	LabelNamespace = "headway.dev/namespace"
	// LabelBuildKey is the content key of a build, on TaskRuns and their pods.
	LabelBuildKey = "headway.dev/build-key"
	// LabelForgetCache marks the TaskRun that removes the build cache of a
	// Repository, or of a fork's preview, that is gone.
	LabelForgetCache = "headway.dev/forget-cache"
	// LabelEvictCaches marks the TaskRun that keeps build caches within bounds.
	LabelEvictCaches = "headway.dev/evict-caches"
	// LabelTemplate names a build template, on the Tekton Task that is one.
	LabelTemplate = "headway.dev/template"
	// LabelDraining marks a pod that the autoscaler is about to take away: the
	// activators send it nothing new. It may be taken off again.
	LabelDraining = "headway.dev/draining"
	// LabelStandby marks a pod of a revision's standby: StandbyParked or
	// StandbyWoken. Other pods do not have it.
	LabelStandby = "headway.dev/standby"
	// LabelSource names the container Source that a Deployment and its pods run.
	LabelSource = "headway.dev/source"
	// LabelManagedBy and ManagedBy mark every child object.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "headway"
)

// Short is a commit in the length that people read.
func Short(commit string) string { return commit[:min(8, len(commit))] }

// AppContainer is the container of a revision's pods that runs the application, or
// of a Source's pod. Others are not Headway's; a service mesh may add one.
const AppContainer = "app"

// Annotations.
const (
	// AnnotationSyncRequestedAt on a Repository asks the watcher to look at
	// once. The value is any string that differs from the last one.
	AnnotationSyncRequestedAt = "headway.dev/sync-requested-at"
	// AnnotationRetriedAt on a Revision asks for a failed build to be tried
	// again. The value is any string that differs from the last one.
	AnnotationRetriedAt = "headway.dev/retried-at"
	// AnnotationRestartedAt on an App asks for its pods to be replaced. The value
	// is any string that differs from the last one; AnnotationRestartedBy says
	// who asked.
	AnnotationRestartedAt = "headway.dev/restarted-at"
	AnnotationRestartedBy = "headway.dev/restarted-by"
	// AnnotationStartedWith on a pod is the hash of the StartedWith that it was
	// started with; it has none where there is nothing to note.
	AnnotationStartedWith = "headway.dev/started-with"
	// AnnotationHosts on a Namespace says which hosts its apps may ask for beside
	// those that Headway forms: names, and *.name for all below it, separated by
	// commas. Only who may change Namespaces can grant them.
	AnnotationHosts = "headway.dev/hosts"
)

// FinalizerCleanup is held by a Revision until its objects in the build namespace
// are gone, and by a Repository until its cache is.
const FinalizerCleanup = "headway.dev/cleanup"

// FinalizerTeardown is held by an App with a teardown until that has run.
const FinalizerTeardown = "headway.dev/teardown"

// AppPods selects the pods of revisions. Tekton copies the labels of a TaskRun
// to its pod, so a build pod carries the label of its revision too.
func AppPods() labels.Selector {
	notBuild, _ := labels.NewRequirement(LabelBuildKey, selection.DoesNotExist, nil) // cannot fail: a constant
	return Labelled(LabelRevision).Add(*notBuild)
}

// Labelled selects what has a label, whatever its value.
func Labelled(label string) labels.Selector {
	exists, _ := labels.NewRequirement(label, selection.Exists, nil) // cannot fail: labels are constants
	return labels.NewSelector().Add(*exists)
}
