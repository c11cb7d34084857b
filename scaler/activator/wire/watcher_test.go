package wire

import (
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon fails the test if c is not closed by what another goroutine does.
func soon(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(5 * time.Second):
		t.Fatalf("not within 5s: %s", what)
	}
}

func TestWatcherTellsThatAPeerHasGone(t *testing.T) {
	for name, leave := range map[string]func(peer *net.TCPConn){
		"closes":                  func(p *net.TCPConn) { p.Close() },
		"resets":                  func(p *net.TCPConn) { _ = p.SetLinger(0); p.Close() },
		"shuts down its writes":   func(p *net.TCPConn) { _ = p.CloseWrite() },
		"closes behind its bytes": func(p *net.TCPConn) { _, _ = io.WriteString(p, "unread"); p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			var w Watcher
			defer w.Close()
			c, peer := pair(t)
			gone := make(chan struct{})
			first := w.Watch(c.Conn, func() { close(gone) })
			leave(peer.(*net.TCPConn))
			soon(t, "told", gone)
			first.Stop()

			late := make(chan struct{})
			defer w.Watch(c.Conn, func() { close(late) }).Stop()
			soon(t, "told of one that had gone before", late)
		})
	}
}

func TestWatcherReadsNothingAndMistakesNothing(t *testing.T) {
	var w Watcher
	defer w.Close()
	c, peer := pair(t)
	w.Watch(c.Conn, func() { t.Error("called after Stop") }).Stop()
	defer w.Watch(c.Conn, func() { t.Error("a peer that sent something is said to have gone") }).Stop()
	_, _ = io.WriteString(peer, "hello")
	if err := c.Fill(); err != nil || string(c.Buffered()) != "hello" {
		t.Errorf("%q, %v", c.Buffered(), err)
	}

	// What happens to another connection comes after what happened to this one.
	other, otherPeer := pair(t)
	gone := make(chan struct{})
	defer w.Watch(other.Conn, func() { close(gone) }).Stop()
	otherPeer.Close()
	soon(t, "told", gone)
}

func TestWatcherSurvivesConnectionsThatClose(t *testing.T) {
	var w Watcher
	for range 3 {
		c, _ := pair(t)
		watch := w.Watch(c.Conn, func() { t.Error("our own end is taken for the peer's") })
		c.Close()
		watch.Stop()
		w.Watch(c.Conn, func() { t.Error("called for a closed connection") }).Stop()
	}
	c, peer := pair(t)
	gone := make(chan struct{})
	watch := w.Watch(c.Conn, func() { close(gone) })
	peer.Close()
	soon(t, "told", gone)
	w.Close()
	watch.Stop()
	w.Watch(c.Conn, func() { t.Error("called after Close") }).Stop()

	pipe, end := net.Pipe()
	defer pipe.Close()
	defer end.Close()
	var another Watcher
	defer another.Close()
	another.Watch(pipe, func() { t.Error("no socket") }).Stop()
}
