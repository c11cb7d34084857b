package channel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATS is a server, or a cluster of them, that somebody else runs: when an event
// is on disk, and how much room there is, is theirs to see to.
type NATS struct {
	// URL of one server or of several, separated by commas.
	URL string
	// Credentials is the file of a user (JWT and seed); "" is none.
	Credentials string
	// Replicas of everything that is kept.
	Replicas int
}

// external is a server that is reached over the network.
type external struct{ opts Options }

func (e *external) connect(context.Context) (*nats.Conn, error) {
	log := e.opts.Log
	options := []nats.Option{
		nats.Name("headway-eventing"), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.RetryOnFailedConnect(true),
		queued,
		nats.ReconnectBufSize(-1), // what cannot be sent now is refused and not kept for later
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Warn("the event store is away", "err", err) }),
		nats.ReconnectHandler(func(c *nats.Conn) { log.Info("the event store is back", "url", c.ConnectedUrlRedacted()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("event store says", "text", err) }),
	}
	if e.opts.NATS.Credentials != "" {
		options = append(options, nats.UserCredentials(e.opts.NATS.Credentials))
	}
	conn, err := nats.Connect(e.opts.NATS.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return conn, nil
}

func (e *external) replicas() int           { return e.opts.NATS.Replicas }
func (*external) shared() bool              { return true }
func (*external) blocks(string) *blockFiles { return nil }
func (*external) take(int, time.Time) bool  { return true }
func (*external) ready() error              { return nil }
func (*external) close()                    {}
func (e *external) ledger(ctx context.Context, js jetstream.JetStream) (ledger, error) {
	return openLedgerBucket(ctx, js, e.replicas(), e.opts.Log)
}

// errForeign is a stream with the name of a channel that is none.
var errForeign = errors.New("the server has another stream of that name, which is not Headway's; give Headway an account of its own")
