// Package source says how the sources of events are run. Each kind is a package
// below, which knows its protocol; the runner in this package starts, ends and
// restarts them.
//
// It promises that a source acknowledges an event at the other side only when the
// channel has it on disk. What was sent again because an acknowledgement was lost
// has the same source and id, so that the channel keeps it once within its dedupe.
package source

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

// Sink is the channel of a source.
type Sink interface {
	// Append returns nil when all events are on disk. Else it is a *channel.Full, a
	// *channel.Unavailable, a *channel.TooLarge, which trying again does not change,
	// or what else went wrong.
	Append(ctx context.Context, events []event.Event) error
}

// Report is how a kind tells how it goes. Its methods may be called at any time.
type Report interface {
	// Accepted counts events that the sink has taken.
	Accepted(n int)
	// Position is to be remembered: the next run begins with it. It is written down
	// within seconds, so that a crash may begin at an older one.
	Position(p string)
	// Problem is what goes wrong; nil: it goes well again, which a kind says once it
	// runs. One that tries again by itself tells it with this and does not return.
	Problem(err error)
}

// Config is what one run of a source is made from.
type Config struct {
	Name types.NamespacedName
	// UID of the object: another one of the same name begins anew.
	UID  types.UID
	Spec v1alpha1.SourceSpec
	// Position is the last that was remembered; "" at first. Events is how many were
	// counted by then.
	Position string
	Events   int64
	// Secrets are the contents of those that Spec names, by name and key. The
	// source is run anew when one of them changes.
	Secrets map[string]map[string][]byte
}

// Run runs one source until ctx ends, and then returns nil when what it has begun
// is done with. An *Invalid is final until the spec or a Secret changes; after any
// other error it is run again, after a pause that grows to
// v1alpha1.MaxSourcePause.
type Run func(ctx context.Context, c Config, sink Sink, report Report) error

// Invalid is what is wrong with a spec or a Secret, and what to change.
type Invalid struct{ Reason string }

// Error is the reason.
func (e *Invalid) Error() string { return e.Reason }

// IsInvalid reports whether an error is final.
func IsInvalid(err error) bool { return errors.As(err, new(*Invalid)) }
