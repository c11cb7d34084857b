package revision

import (
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/render"
)

// Seen is what was observed of a revision and its surroundings: the input of
// Plan.
type Seen struct {
	// Revision itself.
	Revision *v1alpha1.Revision
	// App that it belongs to; nil when it is gone.
	App *v1alpha1.App
	// Siblings are the App's other revisions that are not being deleted; of one
	// that has been ready only looked for if it asks for a standby.
	Siblings []v1alpha1.Revision
	// Sharing are the other revisions of the same builds that are not being
	// deleted: those of Siblings, and of an app and its previews those of each
	// other. Only looked for while there is no image.
	Sharing []v1alpha1.Revision
	// Template of the build; nil together with a TemplateProblem.
	Template        *pipelines.Template
	TemplateProblem string
	// Key is the content key of the build; empty while no template tells it.
	Key string
	// Repository is where the images of these builds are pushed, without a tag.
	Repository string
	// Modules are the private Go modules of the build; nil is none, or not looked
	// for yet.
	Modules *Modules
	// Run builds the Key; nil when there is none. Outcome is what it tells.
	Run     *pipelines.TaskRun
	Outcome pipelines.Outcome
	// Pushed is the image that the registry has for the Key.
	Pushed *Pushed
	// Turn is the place of the build in the queue; nil: not looked at, as it is of
	// interest only to a build that would start.
	Turn *Turn
	// BuildLog is the end of the failed step's log.
	BuildLog []string

	// Deployment of the revision; nil when there is none.
	Deployment *appsv1.Deployment
	// Standby is the Deployment of the parked pods; nil when there is none.
	Standby *appsv1.Deployment
	// Park is what parked pods are made with.
	Park render.Park
	// Given tells about the image that headway.yaml names; nil until it was
	// read.
	Given *Given
	// References are the Secrets and ConfigMaps of the revision's variables, as
	// far as they exist.
	References []v1alpha1.ReferenceVersion
	// Pods of the revision, parked ones too.
	Pods []corev1.Pod
	// Hold is how long a pod must go on answering until it counts; 0 where the
	// first answer is enough.
	Hold time.Duration
	// Answered are the pods that have answered our own probes for Hold, and for
	// how long that counts.
	Answered map[types.UID]time.Duration
	// Since is when the pods began to answer our own probes that have done so for
	// Hold.
	Since map[types.UID]time.Time
	// Listening is what pods that are not ready were found to listen on.
	Listening map[types.UID]probe.Listening
	// URL of the revision; empty where it has none of its own.
	URL string
}

// Pushed is an image that was found in the registry.
type Pushed struct {
	// Image pinned by digest.
	Image string
	// Config is what the image says of its process; nil when it cannot be read.
	Config *v1alpha1.ImageConfig
}

// Given is what was read of an image that headway.yaml names.
type Given struct {
	// Config of the image; nil with a Problem.
	Config *v1alpha1.ImageConfig
	// Problem says why it cannot be read; Passing, that a later try may do
	// better.
	Problem string
	Passing bool
}

// role is what the App says of the revision; nil: nothing yet, so it is wanted.
func (s Seen) role() *v1alpha1.RevisionRole {
	if s.App == nil {
		return nil
	}
	return s.App.Status.Revision(s.Revision.Name)
}

// replaced says what took the place of the revision; empty while it is wanted.
func (s Seen) replaced() string {
	if role := s.role(); role != nil && role.Role == v1alpha1.RoleReplaced {
		return role.Message
	}
	return ""
}

// onlyBuilt reports whether the revision is there for its image alone. Of one that
// the App says nothing of yet, its ref decides: no pod may start meanwhile.
func (s Seen) onlyBuilt() bool {
	if role := s.role(); role != nil {
		return role.Role == v1alpha1.RoleBuilt
	}
	return v1alpha1.InMergeQueue(s.Revision.Spec.Ref)
}

// twin is another revision that has the image of the same build.
func (s Seen) twin() *v1alpha1.Revision {
	for i := range s.Sharing {
		other := &s.Sharing[i]
		if s.Key != "" && other.Status.Image != "" && other.Status.Build != nil && other.Status.Build.Key == s.Key {
			return other
		}
	}
	return nil
}

// shared reports whether another revision waits for the same build.
func (s Seen) shared() bool {
	return slices.ContainsFunc(s.Sharing, func(other v1alpha1.Revision) bool {
		built := condition.Get(other.Status.Conditions, v1alpha1.ConditionBuilt)
		return other.Status.Image == "" && built.Status != metav1.ConditionFalse && s.keyOf(&other) == s.Key
	})
}

// keyOf is the key of another revision's build. That of one which nobody has
// looked at yet is known where it has the template of this one: it may have come
// to take the build over.
func (s Seen) keyOf(other *v1alpha1.Revision) string {
	switch {
	case other.Status.Build != nil:
		return other.Status.Build.Key
	case other.Spec.Build != nil && s.Template != nil && other.Spec.Build.Template == s.Revision.Spec.Build.Template:
		return pipelines.Key(other, s.Template.Version)
	}
	return ""
}

// failedBefore reports whether the build failed and nobody asked for another
// try. It holds also when the run is gone.
func (s Seen) failedBefore() bool {
	built := condition.Get(s.Revision.Status.Conditions, v1alpha1.ConditionBuilt)
	return built.Status == metav1.ConditionFalse && built.Reason == v1alpha1.ReasonBuildFailed && !s.retryAsked()
}

// retryAsked reports whether a person asked for a retry that has not begun.
func (s Seen) retryAsked() bool { return s.Revision.RetryAsked() }

// keyFor is the content key of a revision's build. A build that has begun
// keeps its key also when the template changes; a new attempt takes the new
// template.
func keyFor(rev *v1alpha1.Revision, template *pipelines.Template, runs []pipelines.TaskRun) string {
	if rev.Spec.Build == nil {
		return ""
	}
	recorded := ""
	if rev.Status.Build != nil {
		recorded = rev.Status.Build.Key
	}
	if template == nil {
		return recorded
	}
	seen := Seen{Revision: rev}
	if recorded != "" && !seen.retryAsked() && (seen.failedBefore() || runOf(runs, recorded) != nil) {
		return recorded
	}
	return pipelines.Key(rev, template.Version)
}

// runOf is the run that builds a key.
func runOf(runs []pipelines.TaskRun, key string) *pipelines.TaskRun {
	for i := range runs {
		if key != "" && runs[i].Labels[v1alpha1.LabelBuildKey] == pipelines.KeyLabel(key) {
			return &runs[i]
		}
	}
	return nil
}
