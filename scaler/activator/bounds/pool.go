package bounds

import (
	"context"
	"sync"

	"github.com/headway-dev/headway/scaler/activator/list"
)

// App is who something is held for. The zero value is whoever has not said yet.
type App struct{ Namespace, Name string }

// Pool is an amount of something that apps share. The zero value has nothing to
// give; make one with NewPool.
//
// An app may hold twice as much as is free for everybody: 2/3 of all while it is
// alone, 2/5 beside another one that takes what it can get, and there is always
// something left for one that comes new (the dynamic thresholds of Choudhury and
// Hahne, IEEE/ACM Transactions on Networking 6(2), 1998, with alpha = 2). The
// lock is held for a time in proportion to the number of apps that wait.
type Pool struct {
	total int64

	mu      sync.Mutex
	used    int64
	refused uint64
	apps    map[App]*account
	waiting list.List[*account] // those with waiters, in turn
}

// alpha is how many times what is free an app may hold.
const alpha = 2

// account is what one app holds.
type account struct {
	app   App
	held  int64
	queue list.List[*waiter]
	place list.Node[*account]
}

// waiter is one who waits for an amount.
type waiter struct {
	amount  int64
	granted chan struct{}
	place   list.Node[*waiter]
}

// NewPool makes a pool of total.
func NewPool(total int64) *Pool { return &Pool{total: total, apps: map[App]*account{}} }

// TryTake takes an amount for an app if its share has room. It does not
// overtake those who wait.
func (p *Pool) TryTake(app App, amount int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.account(app)
	if a.queue.Len() == 0 && p.fits(a, amount) {
		p.take(a, amount)
		return true
	}
	p.refused++
	p.forget(a)
	return false
}

// Take waits until the share of app has room, in the order of arrival, and
// returns the cause of ctx's end if that comes first.
func (p *Pool) Take(ctx context.Context, app App, amount int64) error {
	p.mu.Lock()
	a := p.account(app)
	if a.queue.Len() == 0 && p.fits(a, amount) {
		p.take(a, amount)
		p.mu.Unlock()
		return nil
	}
	w := &waiter{amount: amount, granted: make(chan struct{})}
	w.place.Value = w
	a.queue.PushBack(&w.place)
	if !a.place.Listed() {
		p.waiting.PushBack(&a.place)
	}
	p.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
		return p.giveUp(a, w, context.Cause(ctx))
	}
}

// giveUp takes w out of its queue, or gives back what it got in this moment.
func (p *Pool) giveUp(a *account, w *waiter, why error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.place.Listed() {
		p.refused++
		a.queue.Remove(&w.place)
	} else {
		a.held -= w.amount
		p.used -= w.amount
	}
	p.dispatch() // the next one may need less
	p.forget(a)
	return why
}

// Give returns an amount that was taken for app.
func (p *Pool) Give(app App, amount int64) {
	if amount == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.account(app)
	a.held -= amount
	p.used -= amount
	p.dispatch()
	p.forget(a)
}

// Force takes an amount that is not bounded by a share, as it is needed to end
// what was begun.
func (p *Pool) Force(app App, amount int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.take(p.account(app), amount)
}

// Below reports whether app holds less than all would if everybody held the
// same.
func (p *Pool) Below(app App) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.account(app)
	defer p.forget(a)
	return a.held*int64(len(p.apps)) < p.used
}

// State returns what there is, what of it is held, and how often it did not
// suffice.
func (p *Pool) State() (total, used int64, refused uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total, p.used, p.refused
}

func (p *Pool) fits(a *account, amount int64) bool {
	free := p.total - p.used
	return amount <= free && a.held+amount <= alpha*free
}

func (p *Pool) take(a *account, amount int64) {
	a.held += amount
	p.used += amount
}

func (p *Pool) account(app App) *account {
	a := p.apps[app]
	if a == nil {
		a = &account{app: app}
		a.place.Value = a
		p.apps[app] = a
	}
	return a
}

// forget drops an account that nobody needs.
func (p *Pool) forget(a *account) {
	if a.held == 0 && a.queue.Len() == 0 {
		p.waiting.Remove(&a.place)
		delete(p.apps, a.app)
	}
}

// dispatch gives what is free to those who wait: one of each app in turn, until
// nobody's share has room.
func (p *Pool) dispatch() {
	for given := true; given; {
		given = false
		for at := p.waiting.First(); at != nil; {
			a := at.Value
			at = at.Next()
			first := a.queue.First()
			if first == nil {
				p.waiting.Remove(&a.place)
				continue
			}
			if w := first.Value; p.fits(a, w.amount) {
				a.queue.Remove(&w.place)
				p.take(a, w.amount)
				close(w.granted)
				given = true
			}
		}
	}
}
