package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// queueRef is what GitHub names the branch of a commit in a merge queue.
var queueRef = regexp.MustCompile(`^refs/heads/gh-readonly-queue/(.+)/pr-([0-9]{1,18})-[0-9a-f]{40}$`)

// QueueHeads are the commits that a merge queue tries before it moves the
// production branch to them. They are heads of all apps: what is built for them
// is what the merge needs.
func (f Facts) QueueHeads(refs map[string]string) map[string]string {
	heads := map[string]string{}
	for ref, commit := range refs {
		if m := queueRef.FindStringSubmatch(ref); m != nil && headsPrefix+m[1] == f.ProductionRef {
			heads[ref] = commit
		}
	}
	return heads
}

// queued are those commits as requests, which are told how their builds go.
func (f Facts) queued() []v1alpha1.RequestStatus {
	var out []v1alpha1.RequestStatus
	for _, ref := range slices.Sorted(maps.Keys(f.Others)) {
		m := queueRef.FindStringSubmatch(ref)
		if m == nil {
			continue
		}
		number, _ := strconv.ParseInt(m[2], 10, 64) // at most 18 digits
		s := v1alpha1.RequestStatus{Number: number, Ref: ref, Commit: f.Others[ref].Commit, Base: m[1],
			State: v1alpha1.RequestQueued, Message: fmt.Sprintf("in the merge queue of %s: it is built, and has no preview", m[1])}
		var wrong []string
		for i := range f.Others[ref].Apps {
			c := &f.Others[ref].Apps[i]
			if c.Problem != nil && !c.Template && !c.omitted && (c.Name == "" || f.Production.App(c.Name) != nil) {
				wrong = append(wrong, c.Problem.Message)
			}
		}
		if wrong != nil {
			s.State, s.Message = v1alpha1.RequestInvalid, condition.Shorten(strings.Join(wrong, "\n"), maxRequestMessage)
		}
		out = append(out, s)
	}
	return out
}
