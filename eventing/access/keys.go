package access

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// overlap is how long a key is taken after another one was seen in its place.
	overlap = time.Minute
	// lookAgain is how old a look at a Secret may become while it is used.
	lookAgain = 30 * time.Second
	// lookPause is the time between two looks: wrong signatures cause no more.
	lookPause = time.Second
	// lookLimit bounds one look.
	lookLimit = 2 * time.Second
)

// keys are those that senders to one channel may sign with: the one in the Secret,
// and for overlap those that were in its place. While the Secret cannot be read,
// they stay as they are. Safe for concurrent use; no lock is held during a look.
type keys struct {
	namespace string
	secrets   Secrets
	now       func() time.Time
	turn      chan struct{} // held by who looks

	mu sync.Mutex
	// ref is what was looked at, looked when that began, err what came of it.
	ref    v1alpha1.KeyRef
	looked time.Time
	err    error
	// current is the key; nil if there is none.
	current []byte
	before  []pastKey
}

// pastKey was current.
type pastKey struct {
	key   []byte
	until time.Time
}

func newKeys(namespace string, secrets Secrets, now func() time.Time) *keys {
	return &keys{namespace: namespace, secrets: secrets, now: now, turn: make(chan struct{}, 1)}
}

// peek returns the keys that are known, without waiting. Where the last look is
// older than lookAgain, it has somebody look.
func (k *keys) peek(ctx context.Context, ref v1alpha1.KeyRef) [][]byte {
	all, fresh, _ := k.known(ref, k.now().Add(-lookAgain))
	if !fresh && len(all) > 0 {
		select {
		case k.turn <- struct{}{}:
			go func() {
				defer func() { <-k.turn }()
				k.look(context.WithoutCancel(ctx), ref)
			}()
		default: // somebody looks already
		}
	}
	return all
}

// read returns the keys by a look that began after since, and what went wrong
// with that.
func (k *keys) read(ctx context.Context, ref v1alpha1.KeyRef, since time.Time) ([][]byte, error) {
	if all, fresh, err := k.known(ref, since); fresh {
		return all, err
	}
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	all, fresh, err := k.known(ref, since) // who had the turn before may have looked
	if fresh {
		return all, err
	}
	if err := k.pause(ctx, ref); err != nil {
		return nil, err
	}
	k.look(ctx, ref)
	all, _, err = k.known(ref, since)
	return all, err
}

// known returns the keys that are taken now, whether the last look was at what ref
// names and began after since, and what went wrong with it.
func (k *keys) known(ref v1alpha1.KeyRef, since time.Time) (all [][]byte, fresh bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.current != nil {
		all = append(all, k.current)
	}
	var still []pastKey
	for _, past := range k.before {
		if now.Before(past.until) {
			still = append(still, past)
			all = append(all, past.key)
		}
	}
	k.before = still
	return all, ref == k.ref && k.looked.After(since), k.err
}

// pause waits until the next look may be.
func (k *keys) pause(ctx context.Context, ref v1alpha1.KeyRef) error {
	k.mu.Lock()
	rest := min(k.looked.Add(lookPause).Sub(k.now()), lookPause)
	if ref != k.ref {
		rest = 0
	}
	k.mu.Unlock()
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look asks for the Secret.
func (k *keys) look(ctx context.Context, ref v1alpha1.KeyRef) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookLimit)
	defer cancel()
	began := k.now()
	key, err := k.secrets.key(ctx, k.namespace, ref)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ref, k.looked, k.err = ref, began, err
	if err != nil && !IsMissing(err) || bytes.Equal(key, k.current) {
		return
	}
	if k.current != nil {
		k.before = append(k.before, pastKey{k.current, k.now().Add(overlap)})
	}
	k.current = key
}
