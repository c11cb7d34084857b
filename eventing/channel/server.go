package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// startTimeout is how long the server may take to read and check what it
	// has: 30 GiB at 50 MiB/s.
	startTimeout = 10 * time.Minute

	// answerTimeout is how long the server may take for one answer. A healthy
	// disk takes milliseconds; one that is full never answers.
	answerTimeout = 10 * time.Second
)

// Server is the JetStream in which a Store keeps its channels: a server inside
// this process that is alone, one of several replicas, or somebody else's.
type Server struct {
	opts Options
	mode mode
	conn *nats.Conn
	js   jetstream.JetStream
}

// mode is all that differs between the ways to have a server: alone, replica
// and external.
type mode interface {
	// connect starts what there is to start and connects to it.
	connect(ctx context.Context) (*nats.Conn, error)
	// replicas is on how many servers an event is on disk before it is accepted.
	replicas() int
	// shared reports whether others may write into a channel beside this process,
	// or an answer may get lost on its way. Then a failed write is no reason to
	// stop: what became of it is looked up.
	shared() bool
	// take reports whether there is room for n more bytes, and counts them.
	take(n int, now time.Time) bool
	ledger(ctx context.Context, js jetstream.JetStream) (ledger, error)
	// blocks are the files of a stream that are to be synced before an event in them
	// is accepted; nil: the servers do that.
	blocks(stream string) *blockFiles
	// ready returns why this server does not have everything yet.
	ready() error
	close()
}

// Start starts the server, or connects to it. What there is on disk has been
// read and checked when it returns, or was when it was written and is checked again
// by the Store; a replica goes on to catch up with the others: see Ready.
func Start(ctx context.Context, o Options) (*Server, error) {
	o = o.complete()
	s := &Server{opts: o, mode: o.mode()}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) (err error) {
	if s.conn, err = s.mode.connect(ctx); err != nil {
		return fmt.Errorf("opening the event store: %w", err)
	}
	s.js, err = jetstream.New(s.conn, jetstream.WithDefaultTimeout(answerTimeout), jetstream.WithPublishAsyncMaxPending(maxPending))
	if err != nil {
		return fmt.Errorf("connecting to the event store: %w", err)
	}
	return nil
}

// JetStream is for what else is kept there.
func (s *Server) JetStream() jetstream.JetStream { return s.js }

// Replicas is on how many servers everything is kept.
func (s *Server) Replicas() int { return s.mode.replicas() }

// Ready returns why this server does not have everything that the others have,
// or cannot be used yet.
func (s *Server) Ready() error {
	if !s.conn.IsConnected() {
		return errors.New("the event store is not connected")
	}
	return s.mode.ready()
}

// Await returns when the server can keep something: replicas have to find each
// other first.
func (s *Server) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if !s.mode.shared() {
		_, err := s.js.AccountInfo(ctx)
		return err
	}
	for {
		// Without a leader nobody answers, also later.
		asking, cancel := context.WithTimeout(ctx, answerTimeout/4)
		l, err := s.mode.ledger(asking, s.js)
		cancel()
		if err == nil {
			return l.close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the event store: %w", errors.Join(ctx.Err(), err))
		case <-time.After(lookPause):
		}
	}
}

// queued makes room for what Read gets at once. Each Read makes a queue of its own:
// that of the default takes half a megabyte.
var queued = nats.SyncQueueLen(2 * maxBatch)

// Close ends what Start has begun.
func (s *Server) Close() error {
	if s.conn != nil {
		s.conn.Close()
	}
	s.mode.close()
	return nil
}

// launch runs a server in this process and connects to it.
func launch(o *server.Options, log *slog.Logger) (*server.Server, *nats.Conn, error) {
	o.JetStream = true
	o.JetStreamMaxStore, o.JetStreamMaxMemory, o.MaxPayload = maxStore, maxPayload, maxPayload
	o.NoSigs = true
	srv, err := server.NewServer(o)
	if err != nil {
		return nil, nil, fmt.Errorf("configuring the server: %w", err)
	}
	srv.SetLoggerV2(serverLog{log}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		return srv, nil, errors.New("the server does not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv), nats.UserInfo(o.Username, o.Password), nats.NoReconnect(), queued)
	if err != nil {
		return srv, nil, fmt.Errorf("connecting to the server: %w", err)
	}
	return srv, conn, nil
}

// serverLog passes on what the server says. Its notices are of interest only
// to who looks for a fault.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, args ...any) { l.say(slog.LevelDebug, format, args) }
func (l serverLog) Warnf(format string, args ...any) {
	l.say(unlessUsual(slog.LevelWarn, format), format, args)
}
func (l serverLog) Fatalf(format string, args ...any) { l.say(slog.LevelError, format, args) }
func (l serverLog) Errorf(format string, args ...any) {
	l.say(unlessUsual(slog.LevelError, format), format, args)
}
func (l serverLog) Debugf(format string, args ...any) { l.say(slog.LevelDebug, format, args) }
func (l serverLog) Tracef(format string, args ...any) { l.say(slog.LevelDebug, format, args) }

// unlessUsual is the level of what the server warns of at every start: the size of
// maxPayload, a password that is in memory only, replicas that are not there yet.
func unlessUsual(level slog.Level, format string) slog.Level {
	for _, usual := range []string{
		"Maximum payloads over", "Plaintext passwords detected", "Error trying to connect to route", "Waiting for routing to be established",
		"JetStream has not established contact with a meta leader", "Metalayer blocking snapshot",
	} {
		if strings.HasPrefix(format, usual) {
			return slog.LevelDebug
		}
	}
	return level
}

func (l serverLog) say(level slog.Level, format string, args []any) {
	ctx := context.Background()
	if l.log.Enabled(ctx, level) {
		l.log.Log(ctx, level, "event store says", "text", fmt.Sprintf(format, args...))
	}
}
