package channel

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/natstest"
)

// One replica's disk fills up: events are refused before that replica is lost, and
// taken again when there is room.
func TestDiskOfAReplicaFillsUp(t *testing.T) {
	small, ballast := tmpfs(t, 64<<20)
	ports := natstest.Ports(t, 3)
	o := Options{Dir: t.TempDir(), LowDisk: 16 << 20, Log: slog.New(slog.DiscardHandler)}
	first := startServer(t, member(o, ports, 0))
	startServer(t, member(o, ports, 1))
	full := member(o, ports, 2)
	full.Dir = small
	startServer(t, full)
	s, err := first.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := ensure(t, s, orders, usual)
	appendAll(t, c, made("before", 1)...)
	if err := os.WriteFile(ballast, make([]byte, 50<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var away *Unavailable
	wait(t, "that events are refused", func() bool { return errors.As(s.Accepting(), &away) })
	if err := s.Healthy(); err != nil {
		t.Errorf("a restart would not help, but: %v", err)
	}
	os.Remove(ballast)
	wait(t, "that events are taken again", func() bool { return s.Accepting() == nil })
	appendAll(t, c, made("after", 1)...)
	if diff := cmp.Diff([]string{"before-0", "after-0"}, ids(t, c)); diff != "" {
		t.Error(diff)
	}
}

// A replica whose disk has lost events is started again: the others have them.
func TestDamagedReplica(t *testing.T) {
	ports := natstest.Ports(t, 3)
	o := Options{Dir: t.TempDir(), LowDisk: 1, Log: slog.New(slog.DiscardHandler)}
	servers := []*Server{startServer(t, member(o, ports, 0)), startServer(t, member(o, ports, 1)), startServer(t, member(o, ports, 2))}
	s, err := servers[0].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := ensure(t, s, orders, usual)
	events := made("e", 60)
	for i := range events {
		events[i].Data = make([]byte, 1024)
	}
	appendAll(t, c, events...)
	s.Close()
	servers[0].Close()
	found, err := filepath.Glob(filepath.Join(o.Dir, "0", "jetstream", "$G", "streams", streamName(orders), "msgs", "*.blk"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	change(t, found[0], flip)
	again := startServer(t, member(o, ports, 0))
	if s, err = again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, ok := s.Channel(orders)
	if !ok {
		t.Fatal("the channel is not there")
	}
	if diff := cmp.Diff(idsOf(events), ids(t, c)); diff != "" || c.State().Gap != nil {
		t.Errorf("%s; gap = %+v", diff, c.State().Gap)
	}
	appendAll(t, c, made("after", 1)...)
	if last := c.State().Last; last != 61 {
		t.Errorf("the next number is %d", last)
	}
}

func wait(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 30 s: " + what)
		}
	}
}
