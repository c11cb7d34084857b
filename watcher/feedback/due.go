package feedback

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/watcher/forge"
)

// urgency orders writes: a URL is told first, then what else has ended, then what
// is on its way.
type urgency int

const (
	urgentReady urgency = iota
	urgentDeployment
	urgentComment
	urgentResult
	urgentPending
)

// act is one thing to do at the forge: one of its last four is set.
type act struct {
	urgency urgency
	// sha is the commit whose writes it counts among; empty: none.
	sha string
	// expected is true of a result that had a place kept for it.
	expected bool

	status  *Status
	deploy  *Deployment
	retire  string
	comment *Comment
}

// key tells acts apart.
func (a *act) key() string {
	switch {
	case a.status != nil:
		return "status " + a.sha + " " + a.status.Context
	case a.deploy != nil:
		return "deployment " + a.sha + " " + a.deploy.Environment
	case a.comment != nil:
		return fmt.Sprintf("comment %d", a.comment.Number)
	}
	return "deployment " + a.retire
}

// kind of an act, for metrics.
func (a *act) kind() string {
	kind, _, _ := strings.Cut(a.key(), " ")
	return kind
}

// cost is how many writes an act is.
func (a *act) cost() int {
	if a.deploy != nil {
		return 2
	}
	return 1
}

// due lists what differs between what is wanted and what is known to be there, in
// the order in which it is to be written. skipped is when more can be written,
// where some is left out; zero where none is.
func (m *memory) due(w Wanted, open map[int64]bool, now time.Time) (acts []act, skipped time.Time) {
	later := func(t time.Time) {
		if skipped.IsZero() || t.Before(skipped) {
			skipped = t
		}
	}
	seen := map[string]bool{}
	for _, c := range w.Commits {
		seen[c.SHA] = true
		if told := m.commits[c.SHA]; told != nil && (told.read || len(c.Statuses) == 0) {
			acts = append(acts, m.dueOf(c, w, now, later)...)
		}
	}
	for _, sha := range slices.Sorted(maps.Keys(m.commits)) {
		if seen[sha] {
			continue
		}
		if len(m.commits[sha].obsolete(nil)) == 0 {
			delete(m.commits, sha)
			continue
		}
		acts = append(acts, m.dueOf(&Commit{SHA: sha, Attempt: m.commits[sha].attempt}, w, now, later)...)
	}
	acts = append(acts, m.closed(w, open)...)
	maps.DeleteFunc(m.refused, func(_ string, until time.Time) bool { return !until.After(now) })
	acts = slices.DeleteFunc(acts, func(a act) bool {
		until, is := m.refused[a.key()]
		if is {
			later(until)
		}
		return is
	})
	slices.SortStableFunc(acts, func(a, b act) int { return cmp.Compare(a.urgency, b.urgency) })
	return acts, skipped
}

// dueOf is what one commit, and the request that it is the head of, may write of
// what differs. Each result that is still to come keeps its place: deployments
// have what is left, and states on the way what those leave.
func (m *memory) dueOf(c *Commit, w Wanted, now time.Time, later func(time.Time)) []act {
	told := m.commits[c.SHA]
	results, pending, expected := told.due(c)
	comments, awaited := m.dueComments(c.SHA, w)
	places, kept := m.dueDeployments(c.SHA, w)
	expected += awaited
	left := told.left(c.Attempt, now)
	var all []act
	take := func(acts []act, others int) {
		for _, a := range acts {
			if a.expected {
				expected--
			}
			if a.cost()+expected+others > left {
				later(told.since.Add(span))
				if a.expected {
					expected++
				}
				continue
			}
			left -= a.cost()
			all = append(all, a)
		}
	}
	take(results, 0)
	take(comments, 0)
	take(places, 0)
	take(pending, kept)
	return all
}

// due are the statuses that differ. expected is how many results are not told yet.
func (c *toldCommit) due(wanted *Commit) (results, pending []act, expected int) {
	for i, s := range slices.Concat(wanted.Statuses, c.obsolete(wanted.Statuses)) {
		if _, there := c.statuses[s.Context]; !there && !wanted.Newest {
			continue
		}
		a := act{urgency: urgentResult, sha: wanted.SHA, status: &s, expected: !c.settled(s)}
		if a.expected {
			expected++
		}
		switch {
		case !c.differs(s):
		case s.State == forge.Pending:
			a.urgency, a.expected = urgentPending, false
			pending = append(pending, a)
		default:
			if i < len(wanted.Statuses) && (s.State == forge.Failure || strings.HasPrefix(s.Context, contextPreview)) {
				a.urgency = urgentReady
			}
			results = append(results, a)
		}
	}
	return results, pending, expected
}

// dueComments are those about a commit that differ, and how many are to come.
func (m *memory) dueComments(sha string, w Wanted) (acts []act, expected int) {
	for i := range w.Comments {
		comment := &w.Comments[i]
		there := m.comments[comment.Number]
		if comment.Commit != sha || there == nil || !there.read || there.id == 0 && !comment.Create {
			continue
		}
		same := sameNews(there.body, comment.Text)
		if same && comment.Final {
			there.final = sha
		}
		a := act{urgency: urgentComment, sha: sha, comment: comment, expected: there.final != sha || !comment.Final}
		if a.expected {
			expected++
		}
		if comment.Final && !same {
			acts = append(acts, a)
		}
	}
	return acts, expected
}

// dueDeployments are those of a commit that differ, and how many writes are kept
// for those that are to come.
func (m *memory) dueDeployments(sha string, w Wanted) (acts []act, kept int) {
	for i := range w.Deployments {
		d := &w.Deployments[i]
		if d.Commit != sha {
			continue
		}
		there := m.environments[d.Environment]
		a := act{urgency: urgentDeployment, sha: sha, deploy: d}
		if there.Ref != sha {
			kept += a.cost()
		}
		if d.State != "" && there != d.Deployment {
			acts = append(acts, a)
		}
	}
	return acts, kept
}

// closed is what is left at the forge of requests that are not open any more.
func (m *memory) closed(w Wanted, open map[int64]bool) []act {
	var acts []act
	for _, number := range slices.Sorted(maps.Keys(m.comments)) {
		there := m.comments[number]
		switch {
		case open[number]:
		case there.read && (there.id == 0 || there.body == gone):
			delete(m.comments, number)
		default:
			acts = append(acts, act{urgency: urgentComment, comment: &Comment{Number: number, Text: gone}})
		}
	}
	for _, environment := range slices.Sorted(maps.Keys(m.environments)) {
		if !slices.ContainsFunc(w.Deployments, func(d Deployment) bool { return d.Environment == environment }) {
			acts = append(acts, act{urgency: urgentDeployment, retire: environment})
		}
	}
	return acts
}
