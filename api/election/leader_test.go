package election

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// program is a replica with a Leader.
type program struct {
	*replica
	*Leader
}

func startProgram(t *testing.T, object *leaseObject, name string) *program {
	p := &program{&replica{access: &access{leaseObject: object, name: name}}, &Leader{began: make(chan struct{})}}
	p.elector = &Elector{name: "headway", lock: lock{Interface: p.access, address: "10.0.0." + name}, lead: p.lead, once: true}
	p.start(t, p.elector)
	return p
}

func TestWorkWaitsForTheTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object := &leaseObject{}
		a := startProgram(t, object, "1")
		until(t, a.Leads)
		b := startProgram(t, object, "2")

		var reconciled, ran atomic.Int32
		of := b.Reconciler(reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
			reconciled.Add(1)
			return reconcile.Result{RequeueAfter: time.Hour}, nil
		}))
		results := make(chan reconcile.Result, 1)
		go func() {
			result, _ := of.Reconcile(t.Context(), ctrl.Request{})
			results <- result
		}()
		beside, stop := context.WithCancel(t.Context())
		gone := make(chan error, 1)
		go func() {
			gone <- b.Runnable(manager.RunnableFunc(func(ctx context.Context) error {
				ran.Add(1)
				return nil // it has nothing to do, and is not asked again in this term
			})).Start(beside)
		}()
		time.Sleep(time.Minute)
		if b.Leads() || reconciled.Load() != 0 || ran.Load() != 0 || b.Address() != "10.0.0.1" {
			t.Errorf("beside a leader: leads %v, reconciled %d, ran %d, address %q", b.Leads(), reconciled.Load(), ran.Load(), b.Address())
		}
		a.stop()
		until(t, b.Leads)
		if result := <-results; result.RequeueAfter != time.Hour {
			t.Errorf("result %v", result)
		}
		time.Sleep(time.Minute)
		if reconciled.Load() != 1 || ran.Load() != 1 || b.Address() != "10.0.0.2" {
			t.Errorf("in the term: reconciled %d, ran %d, address %q", reconciled.Load(), ran.Load(), b.Address())
		}
		stop()
		if err := <-gone; err != nil {
			t.Error(err)
		}
		b.stop()
	})
}

// TestAStallInterrupts: what a lost term interrupts comes again, and goes on where
// nobody has led meanwhile.
func TestAStallInterrupts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := startProgram(t, &leaseObject{}, "1")
		until(t, a.Leads)
		tries := 0
		of := a.Reconciler(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
			if tries++; tries == 1 {
				<-ctx.Done()
			}
			return reconcile.Result{}, ctx.Err()
		}))
		a.cut(true)
		result, err := of.Reconcile(t.Context(), ctrl.Request{})
		if err != nil || result.RequeueAfter == 0 || a.Leads() {
			t.Errorf("interrupted: %v, %v, leads %v", result, err, a.Leads())
		}
		time.Sleep(time.Minute)
		a.cut(false)
		began := time.Now()
		result, err = of.Reconcile(t.Context(), ctrl.Request{})
		if took := time.Since(began); err != nil || result.RequeueAfter != 0 || tries != 2 || took > 1200*time.Millisecond {
			t.Errorf("back: %v, %v, tries %d, after %s", result, err, tries, took)
		}
		a.stop()
	})
}

// TestASuccessorEndsTheProgram, even one that leads no more.
func TestASuccessorEndsTheProgram(t *testing.T) {
	for _, leads := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			object := &leaseObject{}
			a := startProgram(t, object, "1")
			until(t, a.Leads)
			b := startProgram(t, object, "2")
			a.cut(true)
			until(t, b.Leads)
			if !leads {
				b.stop()
			}
			a.cut(false)
			if err := <-a.ended; !errors.Is(err, errSucceeded) {
				t.Errorf("successor leads %v: %v", leads, err)
			}
			if leads {
				b.stop()
			}
		})
	}
}

// TestTheLeaseIsKeptWhileWorkEnds: a successor must not begin beside it.
func TestTheLeaseIsKeptWhileWorkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		object := &leaseObject{}
		a := startProgram(t, object, "1")
		until(t, a.Leads)
		ending := make(chan struct{})
		go func() {
			_, _ = a.Reconciler(reconcile.Func(func(ctx context.Context, _ reconcile.Request) (reconcile.Result, error) {
				<-ctx.Done()
				time.Sleep(time.Second)
				close(ending)
				return reconcile.Result{}, nil
			})).Reconcile(t.Context(), ctrl.Request{})
		}()
		synctest.Wait()
		a.stop()
		select {
		case <-ending:
		default:
			t.Error("the lease was given back before the work had ended")
		}
		if record, _, err := a.Get(t.Context()); err != nil || record.HolderIdentity != "" {
			t.Errorf("record %+v, %v", record, err)
		}
	})
}

func TestWithoutElection(t *testing.T) {
	var l *Leader
	of := reconcile.Func(func(context.Context, reconcile.Request) (reconcile.Result, error) {
		return reconcile.Result{RequeueAfter: time.Hour}, nil
	})
	if result, err := l.Reconciler(of).Reconcile(t.Context(), ctrl.Request{}); !l.Leads() || l.Address() != "" || err != nil || result.RequeueAfter != time.Hour {
		t.Errorf("leads %v, address %q, result %v, %v", l.Leads(), l.Address(), result, err)
	}
}
