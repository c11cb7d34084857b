package watcher

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/plan"
)

const (
	// maxRefs bounds the further refs of one Repository, maxReleases the tags that
	// its apps are released from.
	maxRefs     = 100
	maxReleases = 100
	// maxDated bounds the refs whose age is asked for.
	maxDated = 10_000
)

// newest keeps the newest further refs where there are more than most, and
// says which are left out. Branches that may have a share of the traffic stay
// before those that only have a URL.
//
// A ref is as old as the commit that it points at. Where no times are known,
// the highest name counts as the newest, with numbers compared as numbers:
// v1.10 before v1.9. Both follow from the remote alone, so every look, and
// every controller, keeps the same.
func (c *chosen) newest(most int, times map[string]time.Time) {
	if len(c.others) <= most {
		return
	}
	refs := slices.SortedFunc(maps.Keys(c.others), func(a, b string) int {
		return cmp.Or(c.rank(a)-c.rank(b), times[c.others[b]].Compare(times[c.others[a]]), compareNames(b, a))
	})
	var left []string
	for _, ref := range refs[most:] {
		delete(c.others, ref)
		delete(c.ruled, ref)
		left = append(left, v1alpha1.ShortRef(ref))
	}
	c.omitted = append(c.omitted, plan.NewProblem(v1alpha1.ReasonTooManyRefs, "spec.refs and rules of release match %d branches and tags; the newest %d are followed, these are not: %s. Make the globs narrower, or delete refs that nobody needs",
		len(refs), most, plan.FirstFew(left)))
}

func (c *chosen) rank(ref string) int {
	if c.ruled[ref] {
		return 0
	}
	return 1
}

// dateRefs brings the times of the commits that the further refs point at, as
// far as they are not known. A remote that does not tell them is not asked
// again, so that the order stays what it is.
func (l *look) dateRefs(ctx context.Context) error {
	memory := l.memory
	wanted := map[string]bool{}
	var ask []string
	for _, ref := range slices.SortedFunc(maps.Keys(l.others), func(a, b string) int { return compareNames(b, a) }) {
		commit := l.others[ref]
		if _, known := memory.times[commit]; !known && !wanted[commit] && len(wanted) < maxDated {
			ask = append(ask, commit)
		}
		wanted[commit] = true
	}
	maps.DeleteFunc(memory.times, func(commit string, _ time.Time) bool { return !wanted[commit] })
	if len(ask) == 0 || memory.undated {
		return nil
	}
	if err := l.openCache(); err != nil {
		return err
	}
	times, err := l.cache.CommitTimes(ctx, l.session, ask)
	if err != nil && !refusedByRemote(err) {
		return fmt.Errorf("reading the times of commits: %w", err)
	}
	memory.undated = times == nil
	for _, commit := range ask {
		memory.times[commit] = times[commit] // of what is no commit: none
	}
	return nil
}

// compareNames orders names with numbers in them as people do.
func compareNames(a, b string) int {
	for a != "" && b != "" {
		x, restA := token(a)
		y, restB := token(b)
		if c := compareTokens(x, y); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return cmp.Compare(len(a), len(b))
}

// token cuts a number, or one other character, from the front of a name.
func token(s string) (first, rest string) {
	n := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n = max(n, 1)
	return s[:n], s[n:]
}

func compareTokens(a, b string) int {
	isNumber := func(s string) bool { return s[0] >= '0' && s[0] <= '9' }
	if !isNumber(a) || !isNumber(b) {
		return cmp.Compare(a, b)
	}
	x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	// A longer number is larger; 07 and 7 differ only in how they are written.
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(len(a), len(b)))
}
