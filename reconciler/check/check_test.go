package check

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var shop = types.NamespacedName{Namespace: "team", Name: "shop"}

// always is a gate that every rule has.
func always(*v1alpha1.Gates) string { return "?" }

func subjectAt(step int32) Subject { return Subject{App: shop, Revision: "shop-1", Step: step} }

// run starts a Checker for a test in a bubble.
func run(t *testing.T, c *Checker) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Start(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-done })
}

func TestAskedAtEachStepAndOnFromThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var questions, news atomic.Int32
		var no atomic.Bool
		c := with(func(types.NamespacedName) { news.Add(1) }, gate{"http", always, func(context.Context, Subject) answer {
			questions.Add(1)
			if no.Load() {
				return answer{v1alpha1.VerdictFailed, "so"}
			}
			return answer{v1alpha1.VerdictPassing, "so"}
		}, every, false})
		run(t, c)
		expect := func(what string, after time.Duration, wantQuestions, wantNews int32) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if q, n := questions.Load(), news.Load(); q != wantQuestions || n != wantNews {
				t.Errorf("%s: asked %d times with %d news, want %d and %d", what, q, n, wantQuestions, wantNews)
			}
		}
		expect("nobody is on trial", time.Minute, 0, 0)
		c.Follow(shop, []Subject{subjectAt(0)})
		if diff := cmp.Diff([]v1alpha1.GateStatus{{Name: "http", Verdict: v1alpha1.VerdictWaiting, Message: "not asked yet"}}, c.Gates(shop, "shop-1", &v1alpha1.Gates{})); diff != "" {
			t.Error(diff)
		}
		expect("it begins", time.Second, 1, 1)
		if diff := cmp.Diff([]v1alpha1.GateStatus{{Name: "http", Verdict: v1alpha1.VerdictPassing, Message: "so"}}, c.Gates(shop, "shop-1", &v1alpha1.Gates{})); diff != "" {
			t.Error(diff)
		}
		c.Follow(shop, []Subject{subjectAt(0)})
		expect("nothing new", 20*time.Second, 1, 1)
		expect("half a minute later", 10*time.Second, 2, 1)
		c.Follow(shop, []Subject{subjectAt(1)})
		no.Store(true)
		expect("a step", time.Second, 3, 2)
		c.Follow(shop, nil)
		expect("its trial is over", time.Minute, 3, 2)
		if c.Gates(shop, "shop-1", &v1alpha1.Gates{}) != nil || len(c.subjects) != 0 {
			t.Error("it is remembered")
		}
	})
}

// TestAnotherQuestion: when a rule asks something else, the answer so far counts
// no more, also one that was on its way.
func TestAnotherQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		url := func(g *v1alpha1.Gates) string { return g.HTTP }
		c := with(func(types.NamespacedName) {}, gate{"http", url, func(_ context.Context, s Subject) answer {
			time.Sleep(time.Second)
			return answer{v1alpha1.VerdictPassing, s.Gates.HTTP}
		}, every, false})
		run(t, c)
		expect := func(what string, rule v1alpha1.Gates, message string) {
			t.Helper()
			synctest.Wait()
			if got := c.Gates(shop, "shop-1", &rule); len(got) != 1 || got[0].Message != message {
				t.Errorf("%s: %+v, want %q", what, got, message)
			}
		}
		follow := func(rule v1alpha1.Gates) { c.Follow(shop, []Subject{{App: shop, Revision: "shop-1", Gates: rule}}) }
		old, other := v1alpha1.Gates{HTTP: "http://old"}, v1alpha1.Gates{HTTP: "http://other"}
		follow(old)
		time.Sleep(1500 * time.Millisecond)
		expect("it is asked", old, "http://old")
		expect("the rule has just changed", other, "not asked yet")
		follow(other)
		expect("the change is followed", other, "not asked yet")
		time.Sleep(600 * time.Millisecond)
		follow(old) // while the other one is asked
		time.Sleep(time.Second)
		expect("that answer came late", old, "not asked yet")
		time.Sleep(time.Second)
		expect("asked again", old, "http://old")
		if got := c.Gates(shop, "shop-1", nil); got != nil {
			t.Errorf("without a rule: %+v", got)
		}
	})
}

func TestAJobIsAskedUntilItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var questions atomic.Int32
		c := with(func(types.NamespacedName) {}, gate{"job", always, func(context.Context, Subject) answer {
			if questions.Add(1) < 3 {
				return answer{v1alpha1.VerdictWaiting, "runs"}
			}
			return answer{v1alpha1.VerdictPassing, "it succeeded"}
		}, jobEvery, true})
		run(t, c)
		c.Follow(shop, []Subject{subjectAt(0)})
		time.Sleep(time.Minute)
		c.Follow(shop, []Subject{subjectAt(1)})
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := questions.Load(); n != 3 {
			t.Errorf("asked %d times, want 3", n)
		}
	})
}

// TestFewAtATime: gates that take long delay each other, and nobody else.
func TestFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most, all atomic.Int32
		c := with(func(types.NamespacedName) {}, gate{"http", always, func(context.Context, Subject) answer {
			all.Add(1)
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(9 * time.Second)
			now.Add(-1)
			return answer{v1alpha1.VerdictWaiting, "no answer"}
		}, every, false})
		run(t, c)
		for i := range 3 * atOnce {
			app := types.NamespacedName{Namespace: "team", Name: fmt.Sprint("shop-", i)}
			c.Follow(app, []Subject{{App: app, Revision: "shop-1"}})
		}
		time.Sleep(29 * time.Second)
		if most.Load() != atOnce || all.Load() != 3*atOnce {
			t.Errorf("asked %d, up to %d at a time; want %d, %d", all.Load(), most.Load(), 3*atOnce, atOnce)
		}
	})
}
