package delivery

import (
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
)

// simulate runs f with the real stores in simulated time, and with a target that
// needs no network. JetStream has one clock for the whole process, which must
// have been started outside: hence the other world.
func simulate(t *testing.T, f func(t *testing.T, w *world, target *target)) {
	newWorld(t).channel("clock")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		target := &target{answer: func(time.Duration, *http.Request) (int, http.Header) { return 200, nil }}
		w := &world{t: t, dir: t.TempDir()}
		w.client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			at := time.Since(began)
			target.mu.Lock()
			target.attempts = append(target.attempts, at)
			status, header := target.answer(at, r)
			if status == http.StatusOK {
				target.good++
			}
			target.mu.Unlock()
			switch status {
			case 0:
				return nil, errors.New("connection refused")
			case hangs:
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return &http.Response{StatusCode: status, Body: http.NoBody, Header: header}, nil
		})}
		w.open()
		defer w.close()
		w.channel("orders")
		w.run()
		f(t, w, target)
	})
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// target answers an attempt at a time; 0 is no connection.
type target struct {
	mu       sync.Mutex
	answer   func(at time.Duration, r *http.Request) (int, http.Header)
	attempts []time.Duration
	good     int
}

func (t *target) asked() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.attempts)
}

func (t *target) accepted() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.good
}

const hangs = -1

// subscribeTarget sets a subscription with the usual policy.
func (w *world) subscribeTarget(change ...func(*v1alpha1.SubscriptionSpec)) {
	w.t.Helper()
	w.subscribe("mail", &sink{url: "http://app"}, append(change, func(s *v1alpha1.SubscriptionSpec) { s.Retry = v1alpha1.EventRetry{} })...)
}

func retryAfterHeader(value string) http.Header { return http.Header{"Retry-After": {value}} }

// A target that is away for the best part of a day gets everything afterwards.
func TestDownForADay(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		const day = 23 * time.Hour
		target.answer = func(at time.Duration, _ *http.Request) (int, http.Header) {
			if at < day {
				return 0, nil
			}
			return 200, nil
		}
		w.subscribeTarget()
		orders := w.channel("orders")
		for i := range 12 {
			w.send(orders, "order", 50*i, 50)
			time.Sleep(day / 12)
		}
		if n := len(target.asked()); n < 2000 || n > 4000 {
			t.Errorf("%d attempts while it was away, want one in about 30 s", n)
		}
		time.Sleep(5 * time.Minute)
		if st := w.status("mail"); st.Lag != 0 || st.Delivered != 600 || target.accepted() != 600 {
			t.Errorf("%d accepted, %+v", target.accepted(), st)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for _, value := range []string{"7", "Sat, 01 Jan 2000 00:00:07 GMT"} {
		simulate(t, func(t *testing.T, w *world, target *target) {
			target.answer = func(at time.Duration, _ *http.Request) (int, http.Header) {
				if at < 5*time.Second {
					return http.StatusServiceUnavailable, retryAfterHeader(value)
				}
				return 200, nil
			}
			w.subscribeTarget()
			w.send(w.channel("orders"), "order", 0, 40)
			time.Sleep(time.Minute)
			first := target.asked()[0]
			for _, at := range target.asked() {
				if after := at - first; after > time.Second && after < 7*time.Second-first {
					t.Errorf("Retry-After %s: asked again after %s", value, after)
				}
			}
			if st := w.status("mail"); st.Delivered != 40 || st.Oldest != (time.Time{}) {
				t.Errorf("Retry-After %s: %+v", value, st)
			}
		})
	}
}

// What the activator answers itself is not the app's failure: 404 for a host
// without a route is tried again.
func TestActivatorAnswers(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		target.answer = func(at time.Duration, _ *http.Request) (int, http.Header) {
			if at < 20*time.Second {
				return http.StatusNotFound, http.Header{"Headway-Answer": {"unknown-host"}}
			}
			return 200, nil
		}
		w.subscribeTarget(func(s *v1alpha1.SubscriptionSpec) { s.To.App = "shop" })
		w.send(w.channel("orders"), "order", 0, 5)
		time.Sleep(10 * time.Second)
		st := w.status("mail")
		if n, age := measured(t, "headway_events_lag"), measured(t, "headway_events_oldest_seconds"); n != 5 || age < 5 || age > 10 {
			t.Errorf("measured: %v events, the oldest %v s old", n, age)
		}
		if st.Retrying != 5 || st.HeldUntil.IsZero() || st.LastFailure.Message != "the activator answered 404 (unknown-host)" {
			t.Errorf("without a route: %+v", st)
		}
		time.Sleep(time.Minute)
		if target.accepted() != 5 {
			t.Errorf("%d accepted", target.accepted())
		}
	})
}

// measured is the gauge of the subscription mail.
func measured(t *testing.T, name string) float64 {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && m.GetLabel()[1].GetValue() == "mail" {
				return m.GetGauge().GetValue()
			}
		}
	}
	return -1
}

// The same header from a server that is no app is its own business.
func TestForgedActivatorAnswer(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		target.answer = func(time.Duration, *http.Request) (int, http.Header) {
			return http.StatusNotFound, http.Header{"Headway-Answer": {"unknown-host"}}
		}
		w.subscribeTarget()
		w.send(w.channel("orders"), "order", 0, 1)
		time.Sleep(time.Minute)
		if st := w.status("mail"); st.Dead != 1 || len(target.asked()) != 1 {
			t.Errorf("%d attempts, %+v", len(target.asked()), st)
		}
	})
}

func TestRate(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		w.subscribeTarget(func(s *v1alpha1.SubscriptionSpec) { s.Rate = 25 })
		w.send(w.channel("orders"), "order", 0, 1000)
		time.Sleep(30 * time.Second)
		for i := 0; i+263 < len(target.asked()); i++ {
			if span := target.asked()[i+262] - target.asked()[i]; span < 10*time.Second {
				t.Fatalf("263 attempts within %s", span)
			}
		}
		if n := target.accepted(); n < 740 || n > 760 {
			t.Errorf("%d delivered in 30 s, want 750", n)
		}
	})
}

// At the end attempts under way get a moment; what they do not finish is
// delivered after the next start.
func TestEndWithAHangingTarget(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		target.answer = func(time.Duration, *http.Request) (int, http.Header) { return hangs, nil }
		w.subscribeTarget()
		w.send(w.channel("orders"), "order", 0, 20)
		time.Sleep(time.Second)
		before := time.Now()
		w.stop()
		if took := time.Since(before); took != drainTime {
			t.Errorf("the end took %s", took)
		}
		if st := w.status("mail"); st.Lag != 20 || st.Retrying != 0 || st.InFlight != 0 {
			t.Errorf("at the end: %+v", st)
		}
		w.again()
		target.answer = func(time.Duration, *http.Request) (int, http.Header) { return 200, nil }
		w.subscribeTarget()
		w.run()
		time.Sleep(time.Second)
		if target.accepted() != 20 {
			t.Errorf("%d accepted", target.accepted())
		}
	})
}

// A target that hangs gets few attempts, each for as long as the subscription
// says.
func TestTimeout(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		target.answer = func(time.Duration, *http.Request) (int, http.Header) { return hangs, nil }
		w.subscribeTarget(func(s *v1alpha1.SubscriptionSpec) { s.Timeout = length(2 * time.Second) })
		w.send(w.channel("orders"), "order", 0, 100)
		time.Sleep(2*time.Second + time.Millisecond)
		if st := w.status("mail"); st.LastFailure.Message != "no answer in time" || st.Retrying != 16 || len(target.asked()) != 16 {
			t.Errorf("%d attempts, %+v", len(target.asked()), st)
		}
		time.Sleep(10 * time.Minute)
		if n := len(target.asked()); n > 16+30 {
			t.Errorf("%d attempts in 10 minutes", n)
		}
		w.Remove(name("mail"))
	})
}

// Events that go before they could be delivered are counted, those that were
// tried, too. Those that are still in memory are delivered all the same: hence the
// restart.
func TestGoneEvents(t *testing.T) {
	simulate(t, func(t *testing.T, w *world, target *target) {
		orders, err := w.store.Ensure(t.Context(), name("orders"), channel.Settings{Keep: time.Minute, Size: 1 << 30, MaxEvent: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		target.answer = func(at time.Duration, _ *http.Request) (int, http.Header) {
			if at < 10*time.Minute {
				return 0, nil
			}
			return 200, nil
		}
		w.subscribeTarget()
		w.send(orders, "order", 0, 50)
		time.Sleep(10 * time.Minute)
		w.again()
		w.send(w.channel("orders"), "order", 50, 3)
		w.subscribeTarget()
		w.run()
		time.Sleep(time.Minute)
		if st := w.status("mail"); st.Delivered != 3 || st.Dead != 50 || st.Lag != 0 {
			t.Errorf("%+v", st)
		}
	})
}
