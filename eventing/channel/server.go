package channel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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

	// maxPayload fits the largest MaxEvent that a Channel may have, 8 MiB, with
	// attributes and headers.
	maxPayload = 9 << 20

	// maxStore is what the server may reserve for all channels, in bytes: as
	// good as everything, because the sizes of channels are limits and not
	// reservations. What guards the disk is Options.LowDisk.
	maxStore = 1 << 50
)

// distrust removes what the server would believe of its files without reading
// them, so that it reads and checks every event when it starts. That costs a
// second for a million events. Believed, an event that the disk has changed is
// found missing only when somebody reads it, and one changed bit in a sequence
// number keeps the server (2.15.2) from starting for ever: it counts its way to
// that number.
func distrust(dir string) error {
	indexes, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "index.db"))
	if err != nil {
		return err
	}
	for _, index := range indexes {
		if err := os.Remove(index); err != nil {
			return err
		}
	}
	return nil
}

// start runs the server without any port and connects to it.
func (s *Store) start(ctx context.Context) error {
	if err := distrust(s.opts.Dir); err != nil {
		return fmt.Errorf("opening the event store: %w", err)
	}
	srv, err := server.NewServer(&server.Options{
		ServerName:         "headway-eventing",
		JetStream:          true,
		StoreDir:           filepath.Clean(s.opts.Dir),
		SyncAlways:         true,
		JetStreamMaxStore:  maxStore,
		JetStreamMaxMemory: maxPayload,
		MaxPayload:         maxPayload,
		DontListen:         true,
		NoSigs:             true,
	})
	if err != nil {
		return fmt.Errorf("configuring the event store: %w", err)
	}
	s.server = srv
	srv.SetLoggerV2(serverLog{s.opts.Log}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) {
		return errors.New("the event store does not start")
	}
	if s.conn, err = nats.Connect("", nats.InProcessServer(srv), nats.NoReconnect()); err != nil {
		return fmt.Errorf("connecting to the event store: %w", err)
	}
	s.js, err = jetstream.New(s.conn, jetstream.WithDefaultTimeout(answerTimeout), jetstream.WithPublishAsyncMaxPending(maxPending))
	if err != nil {
		return fmt.Errorf("connecting to the event store: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if _, err := s.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("asking the event store for its state: %w", err)
	}
	return nil
}

// stop ends what start has begun, however far that came.
func (s *Store) stop() error {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	return s.ledger.close()
}

// serverLog passes on what the server says. Its notices are of interest only
// to who looks for a fault.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, args ...any) { l.say(slog.LevelDebug, format, args) }
func (l serverLog) Warnf(format string, args ...any) {
	if strings.HasPrefix(format, "Maximum payloads over") {
		return // at every start, of maxPayload
	}
	l.say(slog.LevelWarn, format, args)
}
func (l serverLog) Fatalf(format string, args ...any) { l.say(slog.LevelError, format, args) }
func (l serverLog) Errorf(format string, args ...any) { l.say(slog.LevelError, format, args) }
func (l serverLog) Debugf(format string, args ...any) { l.say(slog.LevelDebug, format, args) }
func (l serverLog) Tracef(format string, args ...any) { l.say(slog.LevelDebug, format, args) }

func (l serverLog) say(level slog.Level, format string, args []any) {
	ctx := context.Background()
	if l.log.Enabled(ctx, level) {
		l.log.Log(ctx, level, "event store says", "text", fmt.Sprintf(format, args...))
	}
}
