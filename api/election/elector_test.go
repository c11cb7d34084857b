package election

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// leaseObject is the Lease in the API server.
type leaseObject struct {
	mu     sync.Mutex
	record *resourcelock.LeaderElectionRecord
	writes int
}

func (o *leaseObject) written() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writes
}

// access is one replica's way to it.
type access struct {
	*leaseObject
	name string
	down bool // the API server cannot be reached
}

func (a *access) Identity() string   { return a.name }
func (a *access) Describe() string   { return "headway" }
func (a *access) RecordEvent(string) {}

func (a *access) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.down:
		return nil, nil, errors.New("no route to host")
	case a.record == nil:
		return nil, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "leases"}, "headway")
	}
	raw, err := json.Marshal(a.record)
	copied := *a.record
	return &copied, raw, err
}

func (a *access) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return a.Update(ctx, r)
}

func (a *access) Update(_ context.Context, r resourcelock.LeaderElectionRecord) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return errors.New("no route to host")
	}
	a.record = &r
	a.writes++
	return nil
}

func (a *access) cut(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
}

// replica is one process that stands for election.
type replica struct {
	*access
	leading atomic.Bool
	terms   atomic.Int32
	// ended has what Start returned.
	ended chan error
	stop  func()
}

func startReplica(t *testing.T, object *leaseObject, name string) *replica {
	r := &replica{access: &access{leaseObject: object, name: name}}
	r.start(t, &Elector{name: "headway", lock: lock{Interface: r.access}, lead: func(ctx context.Context) {
		r.terms.Add(1)
		r.leading.Store(true)
		<-ctx.Done()
		r.leading.Store(false)
	}})
	return r
}

func (r *replica) start(t *testing.T, e *Elector) {
	ctx, cancel := context.WithCancel(t.Context())
	r.ended = make(chan error, 1)
	go func() { r.ended <- e.Start(ctx) }()
	r.stop = func() {
		cancel()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
	}
}

// until waits for a state and returns how long that took. Two leaders at the
// same time fail the test.
func until(t *testing.T, state func() bool, replicas ...*replica) time.Duration {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		leaders := 0
		for _, r := range replicas {
			if r.leading.Load() {
				leaders++
			}
		}
		if leaders > 1 {
			t.Fatal("both lead")
		}
		if state() {
			return time.Since(began)
		}
		if time.Since(began) > time.Minute {
			t.Fatal("it does not come to that")
		}
	}
}

func TestElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object := &leaseObject{}
		a := startReplica(t, object, "a")
		until(t, a.leading.Load, a)
		// Where nobody else can lead, a stall changes nothing but for its time.
		a.cut(true)
		until(t, func() bool { return !a.leading.Load() }, a)
		a.cut(false)
		if took := until(t, a.leading.Load, a); took > 1200*time.Millisecond {
			t.Errorf("leads again %s after a stall", took)
		}

		b := startReplica(t, object, "b")
		began, before := time.Now(), object.written()
		until(t, func() bool { return time.Since(began) >= time.Minute }, a, b)
		if rate := float64(object.written()-before) / 60; !a.leading.Load() || rate > 2.1 {
			t.Errorf("a leads: %v, %.1f writes a second", a.leading.Load(), rate)
		}

		// The API server is out of a's reach for long: it stands down before b leads.
		a.cut(true)
		lost := until(t, func() bool { return !a.leading.Load() }, a, b)
		gap := lost + until(t, b.leading.Load, a, b)
		if lost > RenewDeadline+RetryPeriod || gap > 5300*time.Millisecond {
			t.Errorf("stood down after %s, the other leads after %s", lost, gap)
		}

		// It stands for election again, and is elected when b stops in order.
		a.cut(false)
		began = time.Now()
		until(t, func() bool { return time.Since(began) >= 10*time.Second }, a, b)
		if !b.leading.Load() {
			t.Error("b leads no more")
		}
		b.stop()
		if took := until(t, a.leading.Load, a, b); took > 2500*time.Millisecond {
			t.Errorf("took %s after a stop in order", took)
		}
		if a.terms.Load() != 3 {
			t.Errorf("term %d", a.terms.Load())
		}
		a.stop()
		if a.leading.Load() {
			t.Error("leads after its end")
		}
	})
}
