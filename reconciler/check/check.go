// Package check asks the gates of a trial that ask somebody: a URL, a Prometheus
// server, and a job that runs in the candidate's image.
//
//	gate        asked             yes          doubtful     failed       waiting
//	http        each 30 s         2xx          other        never        no answer
//	prometheus  each 30 s         <= max       never        > max        no answer, not one number
//	job         once a revision   it succeeds  never        it fails,    it runs
//	                                                        or takes 10 min
//
// It promises that they are asked when a trial begins, at each of its steps and
// on from there, few at a time, and that news wakes the reconciler. It decides
// nothing, and remembers nothing but the last answers: a new process asks again,
// and finds the pod of a job that has run.
//
// URLs come from git: who may push to a repository has the controller send a GET
// to any address in the cluster's network. It sends no credentials, follows no
// redirect to another host, tells nothing of what was answered but the status or
// the number, and reaches neither the controller itself nor the addresses at
// which clouds hand out credentials.
package check

import (
	"context"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// Subject is a revision on trial whose rule names such gates.
type Subject struct {
	// App and Revision, in one namespace.
	App      types.NamespacedName
	Revision string
	// Began tells one trial of a revision from another one.
	Began time.Time
	// Step that it is at. All are asked anew at each.
	Step int32
	// Gates of its rule.
	Gates v1alpha1.Gates
}

const (
	// every is how often a gate is asked, and jobEvery whether a job has ended:
	// the cache knows.
	every, jobEvery = 30 * time.Second, 2 * time.Second
	// look is how often it is seen who is to be asked.
	look = 500 * time.Millisecond
	// atOnce is how many are asked at the same time.
	atOnce = 8
	// longestMessage of an answer, in bytes.
	longestMessage = 1000
)

// answer of a gate.
type answer struct {
	verdict v1alpha1.Verdict
	message string
}

var unasked = answer{v1alpha1.VerdictWaiting, "not asked yet"}

// gate asks one kind of gate.
type gate struct {
	name string
	// question is what a rule has it ask; empty: the rule does not have it. The
	// answer to one says nothing about another.
	question func(*v1alpha1.Gates) string
	ask      func(ctx context.Context, s Subject) answer
	// every is the pause between two questions. One that is final is asked no
	// more once it has passed or failed.
	every time.Duration
	final bool
}

// Checker asks. It is safe for concurrent use.
type Checker struct {
	gates   []gate
	changed func(app types.NamespacedName)
	places  chan struct{} // capacity atOnce

	mu       sync.Mutex // never held while anybody is asked
	subjects map[types.NamespacedName][]*subject
}

// subject is a Subject and what was answered.
type subject struct {
	Subject
	asked map[string]*asked // by gate
}

// asked is one question about a subject.
type asked struct {
	question string
	answer
	at   time.Time // asked last; zero: to be asked now
	busy bool
}

// New makes a Checker. changed is told of an app with another answer; it must
// not block.
func New(jobs Jobs, changed func(app types.NamespacedName)) *Checker {
	return with(changed,
		gate{"job", jobQuestion, jobs.ask, jobEvery, true},
		gate{"http", func(g *v1alpha1.Gates) string { return g.HTTP }, newAsker(outward.Allowed).http, every, false},
		gate{"prometheus", prometheusQuestion, newAsker(outward.Allowed).prometheus, every, false},
	)
}

func jobQuestion(g *v1alpha1.Gates) string { return strings.Join(g.Job, "\x00") }

func prometheusQuestion(g *v1alpha1.Gates) string {
	if g.Prometheus == nil {
		return ""
	}
	return strings.Join([]string{g.Prometheus.URL, g.Prometheus.Query, g.Prometheus.Max}, "\x00")
}

func with(changed func(types.NamespacedName), gates ...gate) *Checker {
	return &Checker{gates: gates, changed: changed, places: make(chan struct{}, atOnce), subjects: map[types.NamespacedName][]*subject{}}
}

// Follow says who is on trial in an app; answers about others are forgotten.
func (c *Checker) Follow(app types.NamespacedName, subjects []Subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.subjects[app]
	delete(c.subjects, app)
	for _, s := range subjects {
		is := &subject{Subject: s, asked: map[string]*asked{}}
		for _, old := range before {
			if old.Revision == s.Revision && old.Began.Equal(s.Began) {
				is = old
			}
		}
		if c.begin(is, s) {
			c.subjects[app] = append(c.subjects[app], is)
		}
	}
}

// begin has the gates of a subject asked, all of them anew if it has taken a
// step, and each that its rule has ask something else now; false if it has none.
// c.mu is held.
func (c *Checker) begin(is *subject, s Subject) (any bool) {
	anew := is.Step != s.Step
	is.Subject = s
	for _, g := range c.gates {
		question := g.question(&s.Gates)
		switch a := is.asked[g.name]; {
		case question == "":
			delete(is.asked, g.name)
			continue
		case a == nil || a.question != question:
			is.asked[g.name] = &asked{question: question, answer: unasked}
		case anew:
			a.at = time.Time{}
		}
		any = true
	}
	return any
}

// Gates are the answers about a revision so far to what its rule asks now; nil is
// a rule that asks nothing.
func (c *Checker) Gates(app types.NamespacedName, revision string, rule *v1alpha1.Gates) (gates []v1alpha1.GateStatus) {
	if rule == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.subjects[app] {
		if s.Revision != revision {
			continue
		}
		for _, g := range c.gates {
			question := g.question(rule)
			if question == "" {
				continue
			}
			got := unasked
			if a := s.asked[g.name]; a != nil && a.question == question {
				got = a.answer
			}
			gates = append(gates, v1alpha1.GateStatus{Name: g.name, Verdict: got.verdict, Message: got.message})
		}
	}
	return gates
}

// Start asks until ctx ends. Only the leader does.
func (c *Checker) Start(ctx context.Context) error {
	tick := time.NewTicker(look)
	defer tick.Stop()
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		for _, question := range c.due(time.Now()) {
			asking.Go(func() { question(ctx) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// due are the questions to ask now, each marked as under way. What finds no
// place waits for the next look.
func (c *Checker) due(now time.Time) (questions []func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, subjects := range c.subjects {
		for _, s := range subjects {
			for _, g := range c.gates {
				a := s.asked[g.name]
				done := a != nil && g.final && (a.verdict == v1alpha1.VerdictPassing || a.verdict == v1alpha1.VerdictFailed)
				if a == nil || a.busy || done || now.Sub(a.at) < g.every {
					continue
				}
				select {
				case c.places <- struct{}{}:
				default:
					return questions
				}
				a.busy, a.at = true, now
				about := s.Subject // which may take a step meanwhile
				questions = append(questions, func(ctx context.Context) { c.ask(ctx, g, about, a) })
			}
		}
	}
	return questions
}

// ask asks one question and keeps the answer.
func (c *Checker) ask(ctx context.Context, g gate, s Subject, a *asked) {
	got := g.ask(ctx, s)
	<-c.places
	got.message = condition.Shorten(got.message, longestMessage)
	c.mu.Lock()
	news := got != a.answer && ctx.Err() == nil
	if a.busy = false; news {
		a.answer = got
	}
	c.mu.Unlock()
	if news {
		c.changed(s.App)
	}
}
