// Package buildqueue decides in which order builds start that wait for a slot.
//
// It is pure: it knows neither a client nor the clock nor how many slots there
// are, and it remembers nothing, so that a controller that starts again goes on
// with the same queue.
//
// It promises turns: first among namespaces, then among the Repositories of one.
// Who pushes much waits for itself: a namespace without a build under way is
// passed by each other one once at most. Within a namespace previews come after production; they do not
// wait for the production of another namespace, or that could hold them up for
// good.
package buildqueue

import (
	"cmp"
	"slices"
	"time"
)

// Build is a build that waits or has started.
type Build struct {
	// Name is that of its run. Builds of one name are one.
	Name string
	// Namespace and Repository are whose build it is.
	Namespace, Repository string
	// Preview: it is for the preview of a pull request or a branch. Without a
	// meaning for one that has started.
	Preview bool
	// Since is when what it is built for was made; of a build that has started,
	// when that was.
	Since time.Time
	// Ended: it has started, and takes no slot any more.
	Ended bool
}

// repository is whose turn it is.
type repository struct{ namespace, name string }

// turns are what somebody has had.
type turns struct {
	// slots are those that its builds have, or get before the one in question.
	slots int
	// last is when a build of it started last, and atLast how many did at that time,
	// which is known in whole seconds. granted counts the builds of everybody that
	// go before, up to its last one.
	last    time.Time
	atLast  int
	granted int
}

// fewer orders by who has the next turn.
func fewer(a, b *turns) int {
	return cmp.Or(cmp.Compare(a.slots, b.slots), cmp.Compare(a.granted, b.granted), a.last.Compare(b.last), cmp.Compare(a.atLast, b.atLast))
}

// queue is an order in the making.
type queue struct {
	namespaces   map[string]*turns
	repositories map[repository]*turns
}

// Order gives the first builds of those that wait, at most so many, in the order
// in which they start. The first of these rules counts that tells two of them
// apart:
//
//  1. the namespace with fewer builds under way, or before it in this order
//  2. the namespace whose last build started earlier
//  3. production before previews
//  4. and 5. as 1 and 2, of the Repository
//  6. what was made earlier, then the name
func Order(waiting, started []Build, most int) []Build {
	q := queue{map[string]*turns{}, map[repository]*turns{}}
	under := map[string]bool{}
	for _, b := range started {
		if !b.Ended {
			under[b.Name] = true
		}
		for _, t := range q.turns(b) {
			if !b.Ended {
				t.slots++
			}
			if b.Since.After(t.last) {
				t.last, t.atLast = b.Since, 0
			}
			if b.Since.Equal(t.last) {
				t.atLast++
			}
		}
	}
	waiting = distinct(waiting, under)
	var order []Build
	for len(order) < most && len(waiting) > 0 {
		next := 0
		for i := range waiting {
			if q.compare(waiting[i], waiting[next]) < 0 {
				next = i
			}
		}
		order = append(order, waiting[next])
		for _, t := range q.turns(waiting[next]) {
			t.slots++
			t.granted = len(order)
		}
		waiting = slices.Delete(waiting, next, next+1)
	}
	return order
}

// distinct leaves out builds that are under way, and all but the first one of a
// name; that is for production if one of them is.
func distinct(waiting []Build, under map[string]bool) []Build {
	waiting = slices.DeleteFunc(slices.Clone(waiting), func(b Build) bool { return under[b.Name] })
	slices.SortFunc(waiting, func(a, b Build) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), class(a, b), a.Since.Compare(b.Since))
	})
	return slices.CompactFunc(waiting, func(a, b Build) bool { return a.Name == b.Name })
}

// turns are those of a build's namespace and Repository.
func (q queue) turns(b Build) [2]*turns {
	r := repository{b.Namespace, b.Repository}
	if q.namespaces[b.Namespace] == nil {
		q.namespaces[b.Namespace] = &turns{}
	}
	if q.repositories[r] == nil {
		q.repositories[r] = &turns{}
	}
	return [2]*turns{q.namespaces[b.Namespace], q.repositories[r]}
}

func (q queue) compare(a, b Build) int {
	ofA, ofB := q.turns(a), q.turns(b)
	if a.Namespace != b.Namespace {
		return cmp.Or(fewer(ofA[0], ofB[0]), cmp.Compare(a.Namespace, b.Namespace))
	}
	if c := class(a, b); c != 0 {
		return c
	}
	if a.Repository != b.Repository {
		return cmp.Or(fewer(ofA[1], ofB[1]), cmp.Compare(a.Repository, b.Repository))
	}
	return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Name, b.Name))
}

// class puts previews last.
func class(a, b Build) int {
	switch {
	case a.Preview == b.Preview:
		return 0
	case b.Preview:
		return -1
	}
	return 1
}
