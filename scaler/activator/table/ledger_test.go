package table

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
)

// trialOf compiles one Route after the other, as a cluster changes.
type trialOf struct {
	compiler Compiler
	all      map[Key]*backend.Revision
	table    *Table
}

func newTrial(t *testing.T) *trialOf {
	c := &trialOf{all: shopRevisions(t)}
	c.compiler.Crew.Store(Alone())
	return c
}

func (c *trialOf) route(r Route) { c.table = c.compiler.Compile([]Route{r}, c.all) }

// arrive is one request of a user.
func (c *trialOf) arrive(user string) (place Place, to string, counted, timed bool) {
	m := c.table.Resolve(request{host: "h", header: map[string]string{"X-User": user}})
	counted, timed = m.Place.Arrive()
	return m.Place, m.Revision.Name, counted, timed
}

// userOf finds a user of a revision.
func (c *trialOf) userOf(revision string) string {
	for i := 0; ; i++ {
		m := c.table.Resolve(request{host: "h", header: map[string]string{"X-User": strconv.Itoa(i)}})
		if m.Place.Leave(false); m.Revision.Name == revision {
			return strconv.Itoa(i)
		}
	}
}

// TestAUserCountsUntilTheFirstBadAnswer follows one user of the candidate and one
// of stable through the life of a canary.
func TestAUserCountsUntilTheFirstBadAnswer(t *testing.T) {
	c := newTrial(t)
	c.route(shop(100, 0, 0))
	lucky, unlucky, stable := c.userOf("next"), "", c.userOf("stable")
	for unlucky = lucky + "0"; ; unlucky += "0" {
		if _, to, _, _ := c.arrive(unlucky); to == "next" {
			break
		}
	}
	type seen struct {
		User           string
		Counted, Timed bool
	}
	look := func() (all []seen) {
		for name, user := range map[string]string{"lucky": lucky, "unlucky": unlucky, "stable": stable} {
			_, _, counted, timed := c.arrive(user)
			all = append(all, seen{name, counted, timed})
		}
		return all
	}
	expect := func(what string, want ...seen) {
		t.Helper()
		byName := cmp.Transformer("byName", func(all []seen) map[string]seen {
			m := map[string]seen{}
			for _, s := range all {
				m[s.User] = s
			}
			return m
		})
		if diff := cmp.Diff(want, look(), byName); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	expect("a time counts once for each user; the unlucky one was here before",
		seen{"lucky", true, true}, seen{"unlucky", true, false}, seen{"stable", true, true})
	expect("again", seen{"lucky", true, false}, seen{"unlucky", true, false}, seen{"stable", true, false})

	first, _, _, _ := c.arrive(unlucky)
	second, _, _, _ := c.arrive(unlucky)
	if !first.Leave(true) {
		t.Error("the first bad answer does not count")
	}
	if second.Leave(true) {
		t.Error("a second one of the same user counts")
	}
	expect("after a bad answer", seen{"lucky", true, false}, seen{"unlucky", false, false}, seen{"stable", true, false})
	c.route(shop(100, 0, 0))
	expect("the cluster changes in another place", seen{"lucky", true, false}, seen{"unlucky", false, false}, seen{"stable", true, false})
	c.route(shop(500, 0, 0))
	expect("the next step", seen{"lucky", true, false}, seen{"unlucky", false, false}, seen{"stable", true, true})
	c.route(shop(0, 0, 0))
	c.route(shop(500, 0, 0))
	expect("the candidate is tried again", seen{"lucky", true, true}, seen{"unlucky", true, true}, seen{"stable", true, true})
}

// TestAnotherCandidateBeginsAnew: whoever had a bad answer beside the one before
// counts again, also where a share stays.
func TestAnotherCandidateBeginsAnew(t *testing.T) {
	c := newTrial(t)
	c.route(shop(500, 1000, 0))
	user := c.userOf("beta")
	p, _, _, _ := c.arrive(user)
	p.Leave(true)
	c.route(shop(1000, 1000, 0))
	if _, _, counted, _ := c.arrive(user); counted {
		t.Error("a step has brought a user back")
	}
	other := shop(500, 1000, 0)
	other.Traffic[1].Revision, other.Traffic[1].Salt = "feature", "feature"
	c.route(other)
	if _, to, counted, timed := c.arrive(user); to != "beta" || !counted || timed {
		t.Errorf("with another candidate: sent to %s, counts %v, its time %v; the share's times go on", to, counted, timed)
	}
}

// TestRequestsWithoutAUserAreUnits: each counts, and its time.
func TestRequestsWithoutAUserAreUnits(t *testing.T) {
	c := newTrial(t)
	c.route(shop(5000, 0, 0))
	for range 100 {
		p, _, counted, timed := c.arrive("")
		if !counted || !timed || !p.Leave(true) {
			t.Fatal("one does not count")
		}
	}
}

// TestClientsWithoutCookiesAreUnits: who keeps none of the activator's is another
// user with each request, more of them than there are buckets; who keeps it
// counts like all others.
func TestClientsWithoutCookiesAreUnits(t *testing.T) {
	c := newTrial(t)
	r := shop(5000, 0, 0)
	r.Sticky = &v1alpha1.Sticky{}
	c.route(r)
	var cookie string
	for range 2 * v1alpha1.Whole {
		m := c.table.Resolve(request{host: "h"})
		if counted, timed := m.Place.Arrive(); !counted || !timed || !m.Place.Leave(true) {
			t.Fatal("one does not count")
		}
		cookie = m.Cookie
	}
	id := strings.TrimPrefix(strings.Split(cookie, ";")[0], StickyCookie+"=")
	m := c.table.Resolve(request{host: "h", cookie: map[string]string{StickyCookie: id}})
	if counted, timed := m.Place.Arrive(); counted || timed || m.Place.Leave(true) {
		t.Error("a user counts after a bad answer")
	}
}

// TestParts: the parts of all activators are the budget, and none has two more
// than another.
func TestParts(t *testing.T) {
	names := []string{"c", "a", "d", "b"}
	for of := range 12 {
		for size := 1; size <= len(names); size++ {
			sum := 0
			for _, self := range names[:size] {
				part := CrewOf(self, names[:size]).part(of)
				if part < of/size || part > of/size+1 {
					t.Errorf("%d of %d for one of %d", part, of, size)
				}
				sum += part
			}
			if sum != of {
				t.Errorf("%d activators have %d of a budget of %d", size, sum, of)
			}
		}
	}
	if CrewOf("z", names).part(100) != 0 || (*Crew)(nil).part(100) != 0 || Alone().part(100) != 100 {
		t.Error("who does not serve has a part, or the only one has not all")
	}
}

// budgeted is a shop whose candidate has half of the traffic and a budget.
func budgeted(of int) Route {
	r := shop(5000, 0, 0)
	r.Traffic[1].Budget = of
	return r
}

// TestBudget tells the life of a budget of 4 bad answers.
func TestBudget(t *testing.T) {
	c := newTrial(t)
	c.route(shop(5000, 0, 0))
	user := c.userOf("next")
	c.route(budgeted(4))
	open := func(want string) Place {
		t.Helper()
		p, to, _, _ := c.arrive(user)
		if to != want {
			t.Errorf("sent to %s, want %s", to, want)
		}
		return p
	}
	var flying []Place
	for range 4 {
		flying = append(flying, open("next"))
	}
	open("stable") // one more could be a fifth bad answer
	flying[0].Leave(false)
	flying[0] = open("next")
	flying[1].Settle(false) // the answer is certain before it has ended
	flying[1].Leave(true)
	for _, i := range []int{0, 2, 3} {
		flying[i].Leave(true)
	}
	last := open("next")
	open("stable")
	c.route(shop(5000, 0, 0))
	open("next")
	c.route(budgeted(4))
	last.Leave(true) // of the budget that there was
	for range 4 {
		open("next")
	}
	open("stable")
}

// TestBudgetOfSeveralActivators: a part shrinks when others come, and does not
// grow when they leave with what they have spent.
func TestBudgetOfSeveralActivators(t *testing.T) {
	c := newTrial(t)
	c.route(budgeted(6))
	user := c.userOf("next")
	room := func() (n int) {
		var taken []Place
		for {
			p, to, _, _ := c.arrive(user)
			if to != "next" {
				break
			}
			taken = append(taken, p)
		}
		for i := range taken {
			taken[i].Settle(false)
		}
		return len(taken)
	}
	for _, step := range []struct {
		name string
		crew *Crew
		want int
	}{
		{"alone", Alone(), 6},
		{"the second of three", CrewOf("b", []string{"a", "b", "c"}), 2},
		{"alone again", CrewOf("b", []string{"b"}), 2},
		{"leaving", CrewOf("b", []string{"a"}), 0},
		{"not leaving", CrewOf("b", []string{"a", "b"}), 3},
		{"the last of more than there is", CrewOf("z", []string{"a", "b", "c", "d", "e", "f", "z"}), 0},
	} {
		c.compiler.Crew.Store(step.crew)
		if got := room(); got != step.want {
			t.Errorf("%s: %d, want %d", step.name, got, step.want)
		}
	}
}

// TestBudgetHolds has many clients at once, and a candidate that answers each of
// them badly.
func TestBudgetHolds(t *testing.T) {
	const of, clients, each = 20, 50, 200
	c := newTrial(t)
	c.route(budgeted(of))
	var bad atomic.Int64
	var asked sync.WaitGroup
	for client := range clients {
		asked.Go(func() {
			for i := range each {
				p, to, _, _ := c.arrive(strconv.Itoa(client*each + i))
				if to == "next" {
					bad.Add(1)
				}
				p.Leave(to == "next")
			}
		})
	}
	asked.Wait()
	if bad.Load() != of {
		t.Errorf("%d bad answers, want exactly %d", bad.Load(), of)
	}
}

// TestBudgetWithoutStable: where nobody else is, the target serves on.
func TestBudgetWithoutStable(t *testing.T) {
	c := newTrial(t)
	r := budgeted(1)
	r.Traffic[0].Salt = "stable"
	c.route(r)
	for range v1alpha1.Whole {
		if _, to, _, _ := c.arrive(""); to == "" {
			t.Fatal("a request went nowhere")
		}
	}
}
