package channel

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrClosed is returned after Store.Close.
	ErrClosed = errors.New("the event store is closed")
	// ErrRemoved is returned by a channel that was removed.
	ErrRemoved = errors.New("the channel was removed")
)

// Full is the error of Append when the channel holds Settings.Size bytes.
type Full struct {
	// RetryAfter is when the oldest event goes, at least a second and at most
	// five minutes.
	RetryAfter time.Duration
}

func (e *Full) Error() string {
	return fmt.Sprintf("the channel is full; the next event to go goes in %s", e.RetryAfter.Round(time.Second))
}

// Unavailable is the error of Append when nothing can be written now. After it
// events may be in the log all the same: whoever sends them again within
// Settings.Dedupe gets them once.
type Unavailable struct {
	RetryAfter time.Duration
	Reason     string
}

func (e *Unavailable) Error() string { return "events cannot be kept now: " + e.Reason }

// TooLarge is the error of Append for an event that is larger than
// Settings.MaxEvent, or for more of them than fit into one batch.
type TooLarge struct{ Reason string }

func (e *TooLarge) Error() string { return e.Reason }
