package election

import (
	"context"
	"log/slog"
	"sync"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Leader is the part of a program that acts only while this replica leads. All
// replicas fill their caches and queues; the work in these begins with the term and
// is what the leader before may have left undone.
//
//	stands by    work waits at Reconciler and Runnable
//	leads        it goes on
//	has led      its context ends, and it is waited for; then the replica stands
//	             again, and goes on where nobody has led meanwhile
//	succeeded    the program ends, as what it remembers of its own writes is not all
//
// A nil Leader always leads.
type Leader struct {
	elector *Elector

	// mu guards what follows. It is held for moments only.
	mu sync.Mutex
	// term is that of now; nil while this replica stands by. began is closed when
	// there is one.
	term  context.Context
	began chan struct{}
	// busy counts what runs in the term. It is added to only while there is a term.
	busy sync.WaitGroup
}

// NewLeader adds an election to a manager.
func NewLeader(mgr ctrl.Manager, l *Lease) (*Leader, error) {
	leader := &Leader{began: make(chan struct{})}
	var err error
	if leader.elector, err = New(mgr, l, leader.lead); err != nil {
		return nil, err
	}
	leader.elector.once = true
	return leader, mgr.Add(leader.elector)
}

// Leads reports whether this replica leads.
func (l *Leader) Leads() bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term != nil && l.term.Err() == nil
}

// Address is that of the replica that leads, as its Lease has it; "" where nobody
// is known to.
func (l *Leader) Address() string {
	if l == nil {
		return ""
	}
	return l.elector.lock.leader()
}

// Reconciler has another one work while this replica leads. Until then requests
// wait in their queue, each once; one that a lost term interrupts comes again.
func (l *Leader) Reconciler(of reconcile.Reconciler) reconcile.Reconciler {
	if l == nil {
		return of
	}
	return reconcile.Func(func(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
		ctx, done := l.enter(ctx)
		defer done()
		result, err := reconcile.Result{}, ctx.Err()
		if err == nil {
			result, err = of.Reconcile(ctx, request)
		}
		if ctx.Err() != nil {
			return reconcile.Result{RequeueAfter: time.Millisecond}, nil
		}
		return result, err
	})
}

// Runnable has another one run once in each term.
func (l *Leader) Runnable(of manager.Runnable) manager.Runnable {
	if l == nil {
		return of
	}
	return manager.RunnableFunc(func(outer context.Context) error {
		for {
			ctx, done := l.enter(outer)
			var err error
			if ctx.Err() == nil {
				err = of.Start(ctx)
			}
			<-ctx.Done()
			done()
			if err != nil || outer.Err() != nil {
				return err
			}
		}
	})
}

// enter waits for a term and gives a context of it, which has ended where the outer
// one did; done must be called when the work has ended.
func (l *Leader) enter(outer context.Context) (ctx context.Context, done func()) {
	for {
		l.mu.Lock()
		term, began := l.term, l.began
		if term != nil {
			l.busy.Add(1)
			l.mu.Unlock()
			ctx, cancel := context.WithCancel(outer)
			stop := context.AfterFunc(term, cancel)
			return ctx, func() { stop(); cancel(); l.busy.Done() }
		}
		l.mu.Unlock()
		select {
		case <-began:
		case <-outer.Done():
			return outer, func() {}
		}
	}
}

// lead is one term.
func (l *Leader) lead(ctx context.Context) {
	l.mu.Lock()
	l.term = ctx
	close(l.began)
	l.mu.Unlock()
	slog.Info("leading")
	<-ctx.Done()
	l.mu.Lock()
	l.term, l.began = nil, make(chan struct{})
	l.mu.Unlock()
	l.busy.Wait()
	slog.Info("leads no more")
}
