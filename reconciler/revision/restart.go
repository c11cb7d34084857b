package revision

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
)

// restartPause is the least time between two restarts that nobody asked for:
// something that writes to a Secret all the time must not have pods replaced
// all the time.
const restartPause = time.Minute

// startWith decides what pods are started with from now on. The duration says
// when time alone will change it; 0 is never.
//
//	the image has come                 it is noted
//	a Secret or ConfigMap has changed  pods are replaced, once per restartPause
//	... has come                       it is noted: no pod could start without it
//	... is gone                        its last version counts; what runs, runs on
//	headway restart                    pods are replaced
//
// That something is noted changes the pod template. Where no pod runs, that is
// all; the next one has it.
func startWith(seen Seen, now time.Time) (v1alpha1.StartedWith, time.Duration) {
	last := seen.Revision.Status.StartedWith
	next := last
	next.References = remembered(seen.References, last.References)
	asked, who := restartOf(seen.App)
	if seen.Revision.Status.Image == "" {
		next.Restart = asked
		return next, 0
	}
	cause := changedReference(last.References, next.References)
	switch {
	case asked != "" && asked != last.Restart:
		next.Restart, cause = asked, who
	case cause == "":
		return next, 0
	case last.Since != nil:
		if wait := restartPause - now.Sub(last.Since.Time); wait > 0 {
			return last, wait
		}
	}
	next.Since, next.Cause = &metav1.MicroTime{Time: now}, cause
	return next, 0
}

// restartOf is the restart that was asked for last, and how to tell it.
func restartOf(app *v1alpha1.App) (asked, cause string) {
	if app == nil || app.Annotations[v1alpha1.AnnotationRestartedAt] == "" {
		return "", ""
	}
	asked = diagnose.OneLine(app.Annotations[v1alpha1.AnnotationRestartedAt])
	when := asked
	if at, err := time.Parse(time.RFC3339Nano, asked); err == nil {
		when = at.UTC().Format(time.RFC3339)
	}
	if who := diagnose.OneLine(app.Annotations[v1alpha1.AnnotationRestartedBy]); who != "" {
		return asked, "asked for by " + who + " at " + when
	}
	return asked, "asked for at " + when
}

// remembered are the versions that are there, and the last ones of those that
// are not, sorted.
func remembered(there, last []v1alpha1.ReferenceVersion) []v1alpha1.ReferenceVersion {
	result := slices.Clone(there)
	for _, old := range last {
		if versionOf(there, old) == "" {
			result = append(result, old)
		}
	}
	slices.SortFunc(result, func(a, b v1alpha1.ReferenceVersion) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return result
}

// versionOf is the version of an object in a list; empty if it is not there.
func versionOf(list []v1alpha1.ReferenceVersion, of v1alpha1.ReferenceVersion) string {
	for _, r := range list {
		if r.Kind == of.Kind && r.Name == of.Name {
			return r.Version
		}
	}
	return ""
}

// changedReference names what pods have in another version; empty if nothing.
func changedReference(last, next []v1alpha1.ReferenceVersion) string {
	var changed []string
	for _, r := range next {
		if old := versionOf(last, r); old != "" && old != r.Version {
			changed = append(changed, fmt.Sprintf("%s %q changed to version %s", r.Kind, r.Name, r.Version))
		}
	}
	if len(changed) == 0 {
		return ""
	}
	if more := len(changed) - 1; more > 0 {
		return fmt.Sprintf("%s, and %d more", changed[0], more)
	}
	return changed[0]
}

// markOf is the value of AnnotationStartedWith; empty where there is nothing
// that could change.
func markOf(with v1alpha1.StartedWith) string {
	if len(with.References) == 0 && with.Restart == "" {
		return ""
	}
	content, _ := json.Marshal([]any{with.References, with.Restart}) // cannot fail: strings
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:8])
}
