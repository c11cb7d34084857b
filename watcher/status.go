package watcher

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
)

// begin takes note of what was asked for, however the look ends.
func begin(repo *v1alpha1.Repository) {
	repo.Status.ObservedGeneration = repo.Generation
	repo.Status.LastHandledSync = repo.Annotations[v1alpha1.AnnotationSyncRequestedAt]
}

func suspended(repo *v1alpha1.Repository) {
	set(repo, v1alpha1.ConditionReady, condition.False(v1alpha1.ReasonSuspended,
		"spec.suspend is true, so the repository is not watched; apps keep running"))
}

func fetching(repo *v1alpha1.Repository) {
	set(repo, v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonFetching, "looking at the repository for the first time"))
}

// waiting tells that some objects cannot be made yet.
func waiting(repo *v1alpha1.Repository, deleting []string) {
	set(repo, v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonWaiting,
		"made as soon as older objects of the same name are deleted: "+plan.FirstFew(deleting)))
}

// failed leaves everything but Ready as it was: what runs is what was last
// read.
func failed(repo *v1alpha1.Repository, err *git.Error) {
	set(repo, v1alpha1.ConditionReady, condition.False(err.Reason, err.Error()))
}

func synced(repo *v1alpha1.Repository, f seen, p plan.Plan) {
	unsigned := f.Production.Unsigned != nil
	if unsigned { // what counted before goes on to count
		p.Files = repo.Status.Apps
		repo.Status.Heads = slices.DeleteFunc(slices.Clone(repo.Status.Heads), func(h v1alpha1.RefHead) bool { return h.Ref != f.ProductionRef })
	} else {
		repo.Status.Commit = f.Production.Commit
		repo.Status.Heads = []v1alpha1.RefHead{{Ref: f.ProductionRef, Commit: f.Production.Commit}}
	}
	for _, ref := range slices.Sorted(maps.Keys(f.Others)) {
		repo.Status.Heads = append(repo.Status.Heads, v1alpha1.RefHead{Ref: ref, Commit: f.Others[ref].Commit})
	}
	repo.Status.Requests = p.Requests[:min(len(p.Requests), plan.MaxRequests)]
	setForge(repo, f.forge)
	repo.Status.Apps = p.Files
	repo.Status.AppCount = int32(len(p.Apps)) // little more than plan.MaxSpecFiles
	at := fmt.Sprintf("%s at %s", v1alpha1.ShortRef(f.ProductionRef), f.Production.Commit[:8])
	switch {
	case unsigned:
		set(repo, v1alpha1.ConditionReady, condition.True(v1alpha1.ReasonSynced, "looked at "+at+", which is not deployed"))
	case len(p.Files)+len(f.Production.Declared) == 0:
		set(repo, v1alpha1.ConditionReady, condition.False(v1alpha1.ReasonNoSpecFile,
			at+" has no headway.yaml; add one (headway init writes it) and push"))
	default:
		set(repo, v1alpha1.ConditionReady, condition.True(v1alpha1.ReasonSynced, "synced "+at))
	}
	setComplete(repo, f)
	if len(p.Problems) == 0 {
		message := "every headway.yaml can be used"
		if len(p.Templates) > 0 {
			message += "; skipped, as they have placeholders to fill in: " + plan.FirstFew(p.Templates)
		}
		set(repo, v1alpha1.ConditionSpecValid, condition.True(v1alpha1.ReasonValid, message))
		return
	}
	set(repo, v1alpha1.ConditionSpecValid, condition.False(p.Problems[0].Reason, lines(p.Problems)))
}

// setForge says how the forge is. As long as it refuses in one way, the message
// stays: a write for each try would be one for nobody.
func setForge(repo *v1alpha1.Repository, state *condition.State) {
	if state == nil {
		meta.RemoveStatusCondition(&repo.Status.Conditions, v1alpha1.ConditionForge)
		return
	}
	was := meta.FindStatusCondition(repo.Status.Conditions, v1alpha1.ConditionForge)
	passing := state.Reason == v1alpha1.ReasonUnreachable || state.Reason == v1alpha1.ReasonRateLimited
	if passing && was != nil && was.Reason == state.Reason && was.ObservedGeneration == repo.Generation {
		return
	}
	set(repo, v1alpha1.ConditionForge, *state)
}

// setComplete says what is left out while the rest is followed.
func setComplete(repo *v1alpha1.Repository, f seen) {
	left := slices.Clone(f.omitted)
	if many := f.Production.Omitted(); many != nil {
		left = append(left, many)
	}
	for _, ref := range slices.Sorted(maps.Keys(f.Unread)) {
		if strings.HasPrefix(ref, "refs/") { // a pin that is not read is told of its app
			reason := v1alpha1.ReasonRefUnreadable
			if f.Unread[ref].Reason == v1alpha1.ReasonUnsigned {
				reason = v1alpha1.ReasonUnsigned
			}
			left = append(left, plan.NewProblem(reason, "%s is not followed, what was made of it stays: %s", v1alpha1.ShortRef(ref), f.Unread[ref].Message))
		}
	}
	if len(left) == 0 {
		set(repo, v1alpha1.ConditionComplete, condition.True(v1alpha1.ReasonNothingOmitted, "nothing is left out"))
		return
	}
	set(repo, v1alpha1.ConditionComplete, condition.False(left[0].Reason, lines(left)))
}

// lines are the messages of problems.
func lines(problems []*plan.Problem) string {
	var messages []string
	for _, p := range problems {
		messages = append(messages, p.Message)
	}
	return strings.Join(messages, "\n")
}

func set(repo *v1alpha1.Repository, kind string, state condition.State) {
	state.Message = condition.Shorten(state.Message, plan.MaxMessage)
	condition.Set(&repo.Status.Conditions, kind, state, repo.Generation, time.Now())
}

// change is an event to record.
type change struct{ kind, reason, note string }

// changes are the starts and ends of trouble, each told once.
func changes(before, after *v1alpha1.Repository) []change {
	var out []change
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionSpecValid, v1alpha1.ConditionComplete, v1alpha1.ConditionForge} {
		was, is := condition.Get(before.Status.Conditions, kind), condition.Get(after.Status.Conditions, kind)
		bad, wasBad := is.Status == metav1.ConditionFalse, was.Status == metav1.ConditionFalse
		switch {
		case bad && (!wasBad || was.Reason != is.Reason || kind != v1alpha1.ConditionReady && was.Message != is.Message):
			out = append(out, change{corev1.EventTypeWarning, is.Reason, is.Message})
		case !bad && wasBad && is.Status != "":
			out = append(out, change{corev1.EventTypeNormal, is.Reason, is.Message})
		}
	}
	return out
}
