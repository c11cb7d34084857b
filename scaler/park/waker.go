package park

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// Why a pod was not woken, where callers decide by it. Any other error means
// that the pod could not be reached.
var (
	// ErrRefused: nobody listens on the port. The application runs already, or
	// the container does not run yet.
	ErrRefused = errors.New("nobody waits to be woken")
	// ErrDenied: the pod heard the call and said no, as it knows another key or
	// has another UID.
	ErrDenied = errors.New("the pod denied the wake call")
)

// errUnanswered: the connection was made and ended without an answer. So it
// goes for those who come while another wakes the pod, and for those who are
// pushed out by newer ones.
var errUnanswered = errors.New("the connection ended without an answer")

const (
	// wakeWithin bounds a wake call with all its tries.
	wakeWithin = time.Second
	// tries of a call whose connection ends without an answer.
	tries = 4
	// between two of them.
	pause = 2 * time.Millisecond
)

// Waker wakes parked pods. It is safe for concurrent use; LoadWaker makes one.
type Waker struct{ key ed25519.PrivateKey }

// Wake tells the pod with the UID, at the address, to become its application,
// and returns nil if it does. It takes at most a second, less if ctx is shorter.
// Calls for the same pod may be made at the same time: one of them gets nil,
// the others mostly ErrRefused.
func (w *Waker) Wake(ctx context.Context, podIP, uid string) error {
	ctx, cancel := context.WithTimeout(ctx, wakeWithin)
	defer cancel()
	address, call := net.JoinHostPort(podIP, port), wakeCall(w.key, uid)
	if err := insist(ctx, address, call); err != nil {
		return fmt.Errorf("waking the pod at %s: %w", podIP, err)
	}
	return nil
}

// insist calls until there is an answer.
func insist(ctx context.Context, address, call string) error {
	var err error
	for range tries {
		if err = once(ctx, address, call); !errors.Is(err, errUnanswered) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
	return err
}

// once makes a connection, says the line and hears the answer.
func once(ctx context.Context, address, call string) error {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return ErrRefused
	}
	if errors.Is(err, syscall.ECONNRESET) { // it closes the port at this moment
		return unanswered(ctx, err)
	}
	if err != nil {
		return err
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	if _, err := io.WriteString(connection, call); err != nil {
		return unanswered(ctx, err)
	}
	answer, err := bufio.NewReader(io.LimitReader(connection, longestLine)).ReadString('\n')
	if err != nil {
		return unanswered(ctx, err)
	}
	answer = strings.TrimSuffix(answer, "\n")
	if reason, no := strings.CutPrefix(answer, noPrefix); no {
		return fmt.Errorf("%w: %q", ErrDenied, reason)
	}
	if answer != yes {
		return fmt.Errorf("the answer is %q: no parked pod listens there", answer)
	}
	return nil
}

// unanswered tells a connection that was ended from one that took too long.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", errUnanswered, err)
}
