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
)

// maxMessage is the longest condition message that is written; the API takes
// 32768 characters, a reader takes fewer.
const maxMessage = 4000

// begin takes note of what was asked for, however the look ends.
func begin(repo *v1alpha1.Repository) {
	repo.Status.ObservedGeneration = repo.Generation
	repo.Status.LastHandledSync = repo.Annotations[v1alpha1.AnnotationSyncRequestedAt]
}

func suspended(repo *v1alpha1.Repository) {
	set(repo, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSuspended,
		"spec.suspend is true, so the repository is not watched; apps keep running")
}

func fetching(repo *v1alpha1.Repository) {
	set(repo, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonFetching, "looking at the repository for the first time")
}

// waiting tells that some Apps cannot be made yet.
func waiting(repo *v1alpha1.Repository, leaving []string) {
	set(repo, v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonWaiting,
		"made as soon as older objects of the same name are deleted: "+firstFew(leaving, func(app string) string { return "app " + app }))
}

// failed leaves everything but Ready as it was: what runs is what was last
// read.
func failed(repo *v1alpha1.Repository, err *git.Error) {
	set(repo, v1alpha1.ConditionReady, metav1.ConditionFalse, err.Reason, err.Error())
}

func synced(repo *v1alpha1.Repository, f facts, p plan) {
	repo.Status.Commit = f.production.commit
	repo.Status.Heads = []v1alpha1.RefHead{{Ref: f.productionRef, Commit: f.production.commit}}
	for _, ref := range slices.Sorted(maps.Keys(f.others)) {
		repo.Status.Heads = append(repo.Status.Heads, v1alpha1.RefHead{Ref: ref, Commit: f.others[ref].commit})
	}
	repo.Status.Apps = p.files
	repo.Status.AppCount = int32(len(p.apps)) // little more than maxSpecFiles
	at := fmt.Sprintf("%s at %s", shortRef(f.productionRef), f.production.commit[:8])
	if len(p.files) == 0 {
		set(repo, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNoSpecFile,
			at+" has no headway.yaml; add one (headway init writes it) and push")
	} else {
		set(repo, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSynced, "synced "+at)
	}
	setComplete(repo, f)
	if len(p.problems) == 0 {
		message := "every headway.yaml can be used"
		if len(p.templates) > 0 {
			message += "; skipped, as they have placeholders to fill in: " + firstFew(p.templates, func(file string) string { return file })
		}
		set(repo, v1alpha1.ConditionSpecValid, metav1.ConditionTrue, v1alpha1.ReasonValid, message)
		return
	}
	set(repo, v1alpha1.ConditionSpecValid, metav1.ConditionFalse, p.problems[0].reason, lines(p.problems))
}

// setComplete says what is left out while the rest is followed.
func setComplete(repo *v1alpha1.Repository, f facts) {
	left := slices.Clone(f.omitted)
	if many := f.production.tooMany(); many != nil {
		left = append(left, *many)
	}
	for _, ref := range slices.Sorted(maps.Keys(f.unread)) {
		if strings.HasPrefix(ref, "refs/") { // a pin that is not read is told of its app
			left = append(left, problem{v1alpha1.ReasonRefUnreadable,
				fmt.Sprintf("%s is not followed, what was made of it stays: %s", shortRef(ref), f.unread[ref].message)})
		}
	}
	if len(left) == 0 {
		set(repo, v1alpha1.ConditionComplete, metav1.ConditionTrue, v1alpha1.ReasonNothingOmitted, "nothing is left out")
		return
	}
	set(repo, v1alpha1.ConditionComplete, metav1.ConditionFalse, left[0].reason, lines(left))
}

// lines are the messages of problems.
func lines(problems []problem) string {
	var messages []string
	for _, p := range problems {
		messages = append(messages, p.message)
	}
	return strings.Join(messages, "\n")
}

func set(repo *v1alpha1.Repository, kind string, status metav1.ConditionStatus, reason, message string) {
	state := condition.State{Status: status, Reason: reason, Message: condition.Shorten(message, maxMessage)}
	condition.Set(&repo.Status.Conditions, kind, state, repo.Generation, time.Now())
}

// change is an event to record.
type change struct{ kind, reason, note string }

// changes are the starts and ends of trouble, each told once.
func changes(before, after *v1alpha1.Repository) []change {
	var out []change
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionSpecValid, v1alpha1.ConditionComplete} {
		was := meta.FindStatusCondition(before.Status.Conditions, kind)
		is := meta.FindStatusCondition(after.Status.Conditions, kind)
		if is == nil {
			continue
		}
		bad := is.Status == metav1.ConditionFalse
		wasBad := was != nil && was.Status == metav1.ConditionFalse
		switch {
		case bad && (!wasBad || was.Reason != is.Reason || kind != v1alpha1.ConditionReady && was.Message != is.Message):
			out = append(out, change{corev1.EventTypeWarning, is.Reason, is.Message})
		case !bad && wasBad:
			out = append(out, change{corev1.EventTypeNormal, is.Reason, is.Message})
		}
	}
	return out
}
