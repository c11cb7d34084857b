package revision

import (
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/buildqueue"
)

const (
	// placesTold is up to which place a build in the queue is told how many are
	// before it. Each of them is written to when one moves on.
	placesTold = 20
	// turnAgain is how soon a build that waits looks again at the latest. It is
	// woken when its place changes.
	turnAgain = time.Minute
)

// Turn says where a build is in the queue.
type Turn struct {
	// Starts: it has a slot.
	Starts bool
	// Before are the builds that start before it; placesTold if they are more.
	Before int
}

// String is what a person reads of a build that waits.
func (t Turn) String() string {
	switch {
	case t.Before == 0:
		return "waiting for a build slot (next)"
	case t.Before >= placesTold:
		return fmt.Sprintf("waiting for a build slot (%d or more before it)", placesTold)
	}
	return fmt.Sprintf("waiting for a build slot (%d before it)", t.Before)
}

// queue is who waits for a slot and who has started.
type queue struct {
	waiting, started []buildqueue.Build
	free             int
}

// turns are those of all builds that wait, by name.
func (q queue) turns() map[string]Turn {
	turns := map[string]Turn{}
	for _, b := range q.waiting {
		turns[b.Name] = Turn{Before: placesTold}
	}
	for _, b := range q.started {
		if _, waits := turns[b.Name]; waits && !b.Ended { // an equal build has begun
			turns[b.Name] = Turn{Starts: true}
		}
	}
	for i, b := range buildqueue.Order(q.waiting, q.started, max(q.free, placesTold)) {
		turns[b.Name] = Turn{Starts: i < q.free, Before: i}
	}
	return turns
}

func waitingBuild(rev *v1alpha1.Revision, key string) buildqueue.Build {
	return buildqueue.Build{
		Name: pipelines.RunName(rev.BuildApp(), key), Namespace: rev.Namespace, Repository: rev.Spec.Repository,
		Preview: rev.Spec.Preview != nil, Since: rev.CreationTimestamp.Time,
	}
}

// waitsForSlot reports whether a revision was told to wait for a slot.
func waitsForSlot(rev *v1alpha1.Revision) bool {
	return condition.Get(rev.Status.Conditions, v1alpha1.ConditionBuilt).Reason == v1alpha1.ReasonWaitingForSlot
}

// waitForTurn says that the build has no slot yet.
func (b build) waitForTurn(turn Turn) build {
	b.status.Run, b.status.StartedAt, b.status.FinishedAt = "", nil, nil
	b.status.FailedStep, b.status.LastLogLines = "", nil
	b = b.queued(turn.String())
	b.built.Reason, b.again = v1alpha1.ReasonWaitingForSlot, turnAgain
	return b
}
