package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

// world is one source on an API server, with its channel and what it reports.
type world struct {
	*testing.T
	server *apiServer
	spec   v1alpha1.KubernetesSource

	mu      sync.Mutex
	refusal error // of the channel
	state

	stop  func()
	ended chan error
}

// state is what the source has done.
type state struct {
	kept     []string // ids
	accepted int
	position string
	problem  error
}

// now is the state when the source waits for something.
func (w *world) now() state {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (w *world) Append(_ context.Context, events []event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refusal != nil {
		return w.refusal
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			w.Errorf("event %+v: %v", e, err)
		}
		w.kept = append(w.kept, e.ID)
	}
	return nil
}

// set changes one thing, as the source or the test does.
func set[T any](w *world, what *T, value T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*what = value
}

func (w *world) Accepted(n int)    { set(w, &w.accepted, w.accepted+n) } // only the source counts
func (w *world) Position(p string) { set(w, &w.position, p) }
func (w *world) Problem(err error) { set(w, &w.problem, err) }
func (w *world) refuse(err error)  { set(w, &w.refusal, err) }

func (w *world) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// in runs a test in simulated time.
func in(t *testing.T, test func(*world)) {
	synctest.Test(t, func(t *testing.T) {
		test(&world{T: t, server: newServer(), state: state{problem: errors.New("never told")}})
	})
}

// start runs the source from where it was.
func (w *world) start() {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	w.ended = make(chan error, 1)
	config := source.Config{
		Name: types.NamespacedName{Namespace: "team", Name: "cluster"},
		Spec: v1alpha1.SourceSpec{Kubernetes: &w.spec}, Position: w.position,
	}
	go func() { w.ended <- New(w.server)(ctx, config, w, w) }()
	w.stop = func() {
		w.Helper()
		cancel()
		if err := <-w.ended; err != nil {
			w.Errorf("it ended with %v", err)
		}
	}
	synctest.Wait()
}

// has compares the events that the channel has, by name of their object and
// version, with what it shall have.
func (w *world) has(ids ...string) {
	w.Helper()
	now := w.now()
	var got []string
	for _, id := range now.kept {
		got = append(got, strings.TrimPrefix(id, "uid-"))
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		w.Errorf("events (-want +got):\n%s", diff)
	}
	if now.accepted != len(got) {
		w.Errorf("%d are reported, %d are kept", now.accepted, len(got))
	}
}

// isAt compares the position.
func (w *world) isAt(want string) {
	w.Helper()
	if got := w.now().position; got != want {
		w.Errorf("the position is %s, want %s", got, want)
	}
}

// says compares a part of the problem; "" is none.
func (w *world) says(part string) {
	w.Helper()
	if problem := w.now().problem; part == "" && problem != nil || !strings.Contains(fmt.Sprint(problem), part) {
		w.Errorf("the problem is %v, want %q", problem, part)
	}
}

// endsWith waits for the end of the source, and compares its error.
func (w *world) endsWith(is func(error) bool) {
	w.Helper()
	if err := <-w.ended; !is(err) {
		w.Errorf("it ended with %v", err)
	}
}

func TestNewSourceTakesWhatIsThere(t *testing.T) {
	in(t, func(w *world) {
		w.server.put("old")
		w.start()
		w.says("")
		w.isAt("101")
		w.server.put("a")
		w.server.put("a")
		w.server.remove("a")
		w.server.put("b")
		w.has("old/101", "a/102", "a/103", "b/105")
		w.isAt("105")
		w.stop()

		w.position = "" // nobody has written it down
		w.start()
		w.has("old/101", "a/102", "a/103", "b/105", "b/105", "old/101") // the channel knows them
		w.stop()
	})
}

func TestGoesOnWhereItWas(t *testing.T) {
	in(t, func(w *world) {
		w.start()
		w.server.put("a")
		w.has("a/101")
		w.stop()
		w.server.put("b")
		w.start()
		w.has("a/101", "b/102")
		w.server.hangUp(nil) // as API servers do every hour or less
		w.server.put("c")
		w.after(2 * time.Second)
		w.has("a/101", "b/102", "c/103")
		w.stop()
	})
}

func TestHistoryIsForgotten(t *testing.T) {
	for _, atOnce := range []bool{false, true} {
		in(t, func(w *world) {
			w.server.atOnce = atOnce
			w.start()
			w.server.put("a")
			w.server.put("b")
			w.has("a/101", "b/102")
			w.stop()
			w.server.put("b")
			w.server.put("c")
			w.server.put("gone")
			w.server.remove("gone")
			w.server.forget()
			w.start()
			w.after(2 * time.Second)
			w.has("a/101", "b/102", "b/103", "c/104")
			w.says("")
			w.server.put("d")
			w.has("a/101", "b/102", "b/103", "c/104", "d/107")

			w.server.put("e") // while it runs
			w.server.hangUp(nil)
			w.server.put("f")
			w.server.forget()
			w.after(5 * time.Second)
			w.has("a/101", "b/102", "b/103", "c/104", "d/107", "e/108", "f/109")
			w.stop()
		})
	}
}

// TestManyAreRead in pages; until the channel has all, they are read again.
func TestManyAreRead(t *testing.T) {
	in(t, func(w *world) {
		w.position = "50"
		for i := range 2*pageSize + 1 {
			w.server.put(fmt.Sprintf("%04d", i))
		}
		w.server.forget()
		w.refuse(&channel.Full{RetryAfter: time.Minute})
		w.start()
		w.after(2 * time.Second)
		w.says("the channel is full")
		w.stop()
		w.isAt("50")
		w.refuse(nil)
		w.start()
		w.after(2 * time.Second)
		w.stop()
		kept := w.now().kept
		slices.Sort(kept)
		if once := len(slices.Compact(slices.Clone(kept))); once != 2*pageSize+1 || len(kept) != once {
			t.Errorf("%d events, %d of them once", len(kept), once)
		}
		w.isAt(fmt.Sprint(100 + 2*pageSize + 1))
	})
}

// TestSetBack: a cluster that begins again with an older state is followed, too.
func TestSetBack(t *testing.T) {
	in(t, func(w *world) {
		w.start()
		w.server.put("a")
		w.server.put("b")
		w.has("a/101", "b/102")
		w.server.setBack(101)
		w.after(5 * time.Second)
		w.server.put("c")
		w.has("a/101", "b/102", "a/101", "c/102") // the channel knows a/101
		w.stop()
	})
}

func TestChannelRefuses(t *testing.T) {
	in(t, func(w *world) {
		w.start()
		w.refuse(&channel.Unavailable{RetryAfter: 5 * time.Second, Reason: "the disk is full"})
		w.server.put("a")
		w.server.put("b")
		w.says("the disk is full")
		w.isAt("100")
		w.refuse(&channel.Full{RetryAfter: 10 * time.Second})
		w.after(6 * time.Second)
		w.says("the channel is full")
		w.refuse(nil)
		w.after(8 * time.Second)
		w.has()
		w.after(2 * time.Second)
		w.has("a/101", "b/102")
		w.says("")
		w.refuse(&channel.TooLarge{Reason: "the event is huge"})
		w.server.put("c")
		w.says("message about Pod/c: the event is huge")
		w.refuse(nil)
		w.server.put("d")
		w.has("a/101", "b/102", "d/104")
		w.says("the event is huge") // for a while
		w.stop()
	})
}

func TestAPIServerIsAway(t *testing.T) {
	in(t, func(w *world) {
		w.start()
		w.server.hangUp(errors.New("connection refused"))
		w.after(time.Minute)
		w.says("connection refused")
		w.server.put("a")
		w.server.hangUp(nil)
		w.after(2 * time.Second)
		w.has("a/101")
		w.says("")
		w.server.hangUp(apierrors.NewForbidden(corev1.Resource("events"), "", errors.New("no right")))
		w.endsWith(apierrors.IsForbidden)
		w.start()
		w.endsWith(apierrors.IsForbidden)
		w.position = ""
		w.start()
		w.endsWith(apierrors.IsForbidden)
	})
}

// TestHistoryIsAlwaysForgotten: such a server is asked once a second.
func TestHistoryIsAlwaysForgotten(t *testing.T) {
	in(t, func(w *world) {
		w.server.forgotten = 1000
		w.start()
		w.after(time.Minute)
		if n := w.server.lists; n > 200 {
			t.Errorf("it has asked %d times in a minute", n)
		}
		w.stop()
	})
}

func TestWanted(t *testing.T) {
	object := &corev1.Event{Type: "Warning", Reason: "BackOff", InvolvedObject: corev1.ObjectReference{Kind: "Pod"}}
	for _, tc := range []struct {
		spec v1alpha1.KubernetesSource
		want bool
	}{
		{v1alpha1.KubernetesSource{}, true},
		{v1alpha1.KubernetesSource{Types: []string{"Warning"}, Kinds: []string{"Node", "Pod"}, Reasons: []string{"BackOff"}}, true},
		{v1alpha1.KubernetesSource{Types: []string{"Normal"}}, false},
		{v1alpha1.KubernetesSource{Kinds: []string{"pod"}}, false},
		{v1alpha1.KubernetesSource{Types: []string{"Warning"}, Reasons: []string{"Killing"}}, false},
	} {
		if got := wanted(&tc.spec, object); got != tc.want {
			t.Errorf("%+v: %t", tc.spec, got)
		}
	}
	in(t, func(w *world) {
		w.spec.Reasons = []string{"BackOff"}
		w.start()
		w.server.put("a")
		w.server.put("b", func(e *corev1.Event) { e.Reason = "BackOff" })
		w.server.put("c")
		w.has("b/102")
		w.isAt("103")
		w.stop()
	})
}
