package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// pair is a connection and its peer.
func pair(t testing.TB) (*Conn, net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); peer.Close() })
	return New(conn), peer
}

func TestAlive(t *testing.T) {
	c, peer := pair(t)
	if !c.Alive() {
		t.Error("an open, silent connection is called dead")
	}
	c.ReadUntil(time.Now().Add(-time.Second))
	if !c.Alive() {
		t.Error("a deadline that has passed makes it dead")
	}
	_, _ = io.WriteString(peer, "x")
	for c.Alive() { // until the byte is there
	}
	if err := c.Fill(); err != nil || string(c.Buffered()) != "x" {
		t.Errorf("the look took the byte: %q, %v", c.Buffered(), err)
	}
	c.Discard(1)
	if !c.Alive() {
		t.Error("dead after the byte was read")
	}
	peer.Close()
	for c.Alive() {
	}
	c.Close()
	if c.Alive() {
		t.Error("a closed connection is called alive")
	}
}

func TestBufferGrowsAndKeepsItsBytes(t *testing.T) {
	c, peer := pair(t)
	want := strings.Repeat("0123456789", Max/10)
	go func() { _, _ = io.WriteString(peer, "discarded"+want+"too much") }()
	for len(c.Buffered()) < len("discarded") {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	c.Discard(len("discarded"))
	for len(c.Buffered()) < len(want) {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(c.Buffered()[:len(want)]); got != want {
		t.Error("bytes were lost or moved")
	}
	var err error
	for err == nil {
		err = c.Fill()
	}
	if !errors.Is(err, ErrFull) || len(c.Buffered()) != Max {
		t.Errorf("%d bytes and %v, want %d and ErrFull", len(c.Buffered()), err, Max)
	}
}

func TestReadWithinIsLazyAndHolds(t *testing.T) {
	c, _ := pair(t)
	now := time.Now()
	c.ReadWithin(now, 10*time.Millisecond, 40*time.Millisecond)
	first := c.deadline
	c.ReadWithin(now.Add(20*time.Millisecond), 10*time.Millisecond, 40*time.Millisecond)
	if !c.deadline.Equal(first) {
		t.Error("a deadline that does was set anew")
	}
	c.ReadWithin(now.Add(35*time.Millisecond), 10*time.Millisecond, 40*time.Millisecond)
	if want := now.Add(75 * time.Millisecond); !c.deadline.Equal(want) {
		t.Errorf("deadline in %s, want 75ms", c.deadline.Sub(now))
	}
	if err := c.Fill(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(now); took < 70*time.Millisecond {
		t.Errorf("ended after %s", took)
	}
}

func BenchmarkAlive(b *testing.B) {
	c, _ := pair(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Alive()
	}
}
