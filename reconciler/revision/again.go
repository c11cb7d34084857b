package revision

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

const (
	// firstAgain is the pause after the first run that failed at something which may
	// pass; it doubles with each one, up to longestAgain.
	firstAgain, longestAgain = 5 * time.Second, 10 * time.Minute
	// patience is for how long a build is tried again.
	patience = 6 * time.Hour
)

// patient reports whether a build is still tried again that fails at something
// which may pass, and notes since when it does.
func (b *build) patient(run *pipelines.TaskRun, now time.Time) bool {
	if b.status.FailingSince == nil {
		b.status.FailingSince = &metav1.MicroTime{Time: ended(run, now)}
	}
	return now.Sub(b.status.FailingSince.Time) < patience
}

// ended is when a run has ended.
func ended(run *pipelines.TaskRun, now time.Time) time.Time {
	if at := run.Status.CompletionTime; at != nil {
		return at.Time
	}
	return now
}

// tryAgain waits, and then makes room for the next run.
func (b build) tryAgain(seen Seen, now time.Time) build {
	pause := min(firstAgain<<min(b.status.Failures, 10), longestAgain)
	due := ended(seen.Run, now).Add(pause)
	message := seen.Outcome.Message
	if seen.Outcome.Cause != "" {
		message += ": " + seen.Outcome.Cause
	}
	times := "once"
	if b.status.Failures > 0 {
		times = fmt.Sprintf("%d times", b.status.Failures+1)
	}
	b = b.queued(about(seen.Revision, fmt.Sprintf("failed %s at something that may pass, and is tried again at %s: %s",
		times, due.UTC().Format(time.TimeOnly), condition.Shorten(message, longestCause))))
	b.built.Reason = v1alpha1.ReasonTryingAgain
	if now.Before(due) {
		b.again = due.Sub(now)
		return b
	}
	b.status.Failures++
	b.action = deleteRun
	return b
}
