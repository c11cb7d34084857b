package election

import (
	"context"
	"errors"
	"strings"
	"sync"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// errSucceeded ends a program that led, lost the lease, and finds that another
// replica has led since: what it knows may be outdated.
var errSucceeded = errors.New("another replica has taken over; this one starts again to stand by")

// lock is the lease as this replica has read and written it.
type lock struct {
	resourcelock.Interface
	// address of this replica; it is part of the identity.
	address string

	mu sync.Mutex
	// holder is who held the lease at the last look.
	holder string
	// term is the number of the last term of this replica; led is whether there
	// was one, and elected whether it was won since it stands.
	term         int
	led, elected bool
	// succeeded is called when another replica has led since.
	succeeded func()
}

// addressMark stands between the unique part of an identity and the address.
const addressMark = "@"

// Identity implements resourcelock.Interface.
func (l *lock) Identity() string {
	if l.address == "" {
		return l.Interface.Identity()
	}
	return l.Interface.Identity() + addressMark + l.address
}

// leader is the address of who holds the lease; "" where it is not known.
func (l *lock) leader() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, address, _ := strings.Cut(l.holder, addressMark)
	return address
}

// stand begins another try.
func (l *lock) stand(succeeded func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.elected, l.succeeded = false, succeeded
}

// won reports whether this replica was elected since it stands.
func (l *lock) won() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.elected
}

// Get implements resourcelock.Interface.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err != nil {
		return nil, nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder = record.HolderIdentity
	if l.led && record.LeaderTransitions > l.term {
		l.succeeded()
	}
	return record, raw, nil
}

// Create implements resourcelock.Interface.
func (l *lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.wrote(record, l.Interface.Create(ctx, record))
}

// Update implements resourcelock.Interface.
func (l *lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.wrote(record, l.Interface.Update(ctx, record))
}

// wrote notes what this replica has written: its own term, or the end of it.
func (l *lock) wrote(record resourcelock.LeaderElectionRecord, err error) error {
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder = record.HolderIdentity; l.holder != "" {
		l.term, l.led, l.elected = record.LeaderTransitions, true, true
	}
	return nil
}
