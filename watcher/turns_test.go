package watcher

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestTurnsAreShared: whoever takes all that it can get leaves slots for others.
func TestTurnsAreShared(t *testing.T) {
	tests := map[string]struct {
		many    func(n int) claim
		gets    int
		another claim // gets a slot all the same
		why     string
	}{
		"one host":      {func(n int) claim { return claim{host: "a.example.com", namespace: fmt.Sprint(n)} }, 16, claim{host: "b.example.com", namespace: "1"}, "16 looks at a.example.com are under way"},
		"one namespace": {func(n int) claim { return claim{host: fmt.Sprint(n), namespace: "team-a"} }, 16, claim{host: "1", namespace: "team-b"}, "16 looks at repositories of namespace team-a"},
		"failing": {func(n int) claim {
			return claim{host: fmt.Sprint(n), namespace: fmt.Sprint(n), failing: true}
		}, 16, claim{host: "1", namespace: "1"}, "whose last look failed"},
		"all": {func(n int) claim { return claim{host: fmt.Sprint(n), namespace: fmt.Sprint(n)} }, 64, claim{}, "64 looks are under way"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			turns := newTurns(func() time.Time { return now })
			var ends []func()
			for n := range 100 {
				c := test.many(n)
				c.uid = types.UID(fmt.Sprint(n))
				if end := turns.take(c); end != nil {
					ends = append(ends, end)
				}
			}
			if len(ends) != test.gets {
				t.Errorf("%d slots, want %d", len(ends), test.gets)
			}
			if test.another != (claim{}) {
				if turns.take(test.another) == nil {
					t.Error("another one gets no slot")
				}
			}
			late := test.many(99)
			late.uid = "99"
			if said := turns.waiting("99"); said != "" {
				t.Errorf("told at once: %s", said)
			}
			now = now.Add(tellWaiting)
			if said := turns.waiting("99"); !strings.HasPrefix(said, "waiting for a fetch slot: ") || !strings.Contains(said, test.why) {
				t.Errorf("told as %q, want ...%s...", said, test.why)
			}
			ends[0]()
			if turns.take(late) == nil || turns.waiting("99") != "" {
				t.Error("a slot that was given back is not given again")
			}
		})
	}
}

func TestStaleIsToldWithWhy(t *testing.T) {
	now := time.Now()
	turns := newTurns(func() time.Time { return now })
	a, b := claim{uid: "a", host: "a"}, claim{uid: "b", host: "b"}
	turns.take(a)()
	want := func(uid types.UID, interval time.Duration, text string) {
		t.Helper()
		if said := turns.stale(uid, interval); said != text {
			t.Errorf("after %s, %s is told as %q, want %q", time.Since(now), uid, said, text)
		}
	}
	now = now.Add(9 * time.Minute)
	want("a", 30*time.Second, "")
	now = now.Add(3 * time.Minute)
	want("a", 30*time.Second, "last looked 12m ago")
	want("a", 5*time.Minute, "")
	want("b", 30*time.Second, "last looked 12m ago, or longer")
	end := turns.take(a)
	now = now.Add(2 * time.Minute)
	want("a", 30*time.Second, "last looked 14m ago; a look has been under way for 2m")
	end()
	want("a", 30*time.Second, "")
	for n := range mostOfOneHost {
		turns.take(claim{uid: types.UID(fmt.Sprint(n)), host: "b", namespace: fmt.Sprint(n)})
	}
	turns.take(b)
	want("b", 30*time.Second, "last looked 14m ago, or longer; waiting for a fetch slot: 16 looks at b are under way, the most that one host gets")
	turns.begin()
	want("b", 30*time.Second, "")
}

func TestHostOf(t *testing.T) {
	for url, host := range map[string]string{
		"https://Git.example.com/a/b.git":     "git.example.com",
		"http://git.example.com:3000/a/b.git": "git.example.com",
		"ssh://git@git.example.com:22/a.git":  "git.example.com",
		"git@git.example.com:a/b.git":         "git.example.com",
	} {
		if got := hostOf(url); got != host {
			t.Errorf("%s: %q, want %q", url, got, host)
		}
	}
}

// TestWaitingAndStaleAreConditions: what is not looked at says so, and the next look
// takes that back.
func TestWaitingAndStaleAreConditions(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	w.look()
	monitor := &staleness{client: w.client, turns: w.r.turns}
	check := func() {
		t.Helper()
		if err := monitor.check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	w.later = 12*time.Minute + 30*time.Second
	check()
	w.wantCondition("Ready", metav1.ConditionUnknown, "Stale", "last looked 12m ago")
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")

	var ends []func()
	for n := range mostOfOneHost {
		ends = append(ends, w.r.turns.take(claim{uid: types.UID(fmt.Sprint(n)), host: "127.0.0.1", namespace: fmt.Sprint(n)}))
	}
	if wait := w.look().RequeueAfter; wait < turnAgain || wait > 2*turnAgain {
		t.Errorf("it comes again after %s", wait)
	}
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
	w.later += time.Minute
	w.look()
	w.wantCondition("Ready", metav1.ConditionUnknown, "WaitingForSlot", "waiting for a fetch slot: 16 looks at 127.0.0.1 are under way")
	ends[0]()
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")

	w.http.User = "ada" // what is False says what to do, however old it is
	w.look()
	w.later += time.Hour
	check()
	w.wantCondition("Ready", metav1.ConditionFalse, "AuthenticationFailed", "")
}
