package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// largeWrite is more than a socket takes at once.
const largeWrite = 16 << 20

func TestLargeWriteArrivesWhole(t *testing.T) {
	c, peer := pair(t)
	want := make([]byte, largeWrite)
	_, _ = rand.NewChaCha8([32]byte{}).Read(want)
	got := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(peer)
		got <- b
	}()
	if n, err := c.Write(want); n != len(want) || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	c.Close()
	if !bytes.Equal(<-got, want) {
		t.Error("other bytes arrived")
	}
}

func TestWriteTellsWhatItSentBeforeItsDeadline(t *testing.T) {
	c, peer := pair(t)
	c.WriteUntil(time.Now().Add(50 * time.Millisecond))
	n, err := c.Write(make([]byte, largeWrite))
	if n == 0 || n == largeWrite || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("wrote %d, %v", n, err)
	}
	c.Close()
	if b, _ := io.ReadAll(peer); len(b) != n {
		t.Errorf("%d bytes arrived of %d", len(b), n)
	}
}

func TestErrorsAreThoseOfNet(t *testing.T) {
	read := func(c *Conn) error { _, err := c.Read(make([]byte, 1)); return err }
	write := func(c *Conn) error { _, err := c.Write([]byte("x")); return err }
	for _, c := range []struct {
		name  string
		after func(c *Conn, peer net.Conn)
		do    func(*Conn) error
		want  error
	}{
		{"read after the peer's end", func(_ *Conn, peer net.Conn) { peer.Close() }, read, io.EOF},
		{"read after a reset", func(_ *Conn, peer net.Conn) { reset(peer) }, read, syscall.ECONNRESET},
		{"read of a closed connection", func(c *Conn, _ net.Conn) { c.Close() }, read, net.ErrClosed},
		{"read after the deadline", func(c *Conn, _ net.Conn) { c.ReadUntil(time.Unix(1, 0)) }, read, os.ErrDeadlineExceeded},
		{"write to a closed connection", func(c *Conn, _ net.Conn) { c.Close() }, write, net.ErrClosed},
		{"write after a reset", func(c *Conn, peer net.Conn) { reset(peer); _ = read(c) }, write, syscall.EPIPE},
		{"write after the deadline", func(c *Conn, _ net.Conn) { c.WriteUntil(time.Unix(1, 0)) }, write, os.ErrDeadlineExceeded},
	} {
		conn, peer := pair(t)
		c.after(conn, peer)
		if err := c.do(conn); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// TestCloseEndsARead: a connection is closed by another goroutine when its
// request has to end.
func TestCloseEndsARead(t *testing.T) {
	c, _ := pair(t)
	ended := make(chan error, 1)
	go func() { _, err := c.Read(make([]byte, 1)); ended <- err }()
	time.Sleep(10 * time.Millisecond)
	c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestNoSocket: net.Pipe has no file descriptor.
func TestNoSocket(t *testing.T) {
	near, far := net.Pipe()
	c := New(near)
	defer c.Close()
	go func() { _, _ = io.Copy(far, far) }()
	if n, err := c.Write([]byte("x")); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := c.Fill(); err != nil || string(c.Buffered()) != "x" || !c.Alive() {
		t.Errorf("%q, %v", c.Buffered(), err)
	}
}
