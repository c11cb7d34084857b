package delivery

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/channel/channeltest"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/natstest"
)

// TestOtherStores runs tests of deliveries with events and places on three
// replicas, and on an external server.
func TestOtherStores(t *testing.T) {
	natstest.Run(t, "TestDeliversAllOnce", "TestDeadLetter", "TestRetry", "TestReply", "TestRestart", "TestPauseAndResume",
		"TestRemoveAndMakeAgain", "TestFromTime", "TestOrdered")
}

// openStores opens the channels and the places that a folder has.
func openStores(t testing.TB, dir string) (*channel.Store, *cursor.Store, error) {
	t.Helper()
	ctx := context.Background()
	kind := natstest.Kind()
	if kind == "" {
		store, err := channel.Open(ctx, channel.Options{Dir: dir, LowDisk: 1, Log: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			return nil, nil, err
		}
		cursors, err := cursor.Open(filepath.Join(dir, "cursors"), time.Now)
		return store, cursors, err
	}
	server := channeltest.Server(t, kind, dir)
	cursors, err := cursor.OpenLog(ctx, server.JetStream(), server.Replicas(), 0, time.Now)
	var claimed *cursor.Claimed
	if errors.As(err, &claimed) { // by the one before
		cursors, err = cursor.OpenLog(ctx, server.JetStream(), server.Replicas(), claimed.Claim, time.Now)
	}
	if err != nil {
		return nil, nil, err
	}
	store, err := server.Open(ctx)
	return store, cursors, err
}
