package park

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener in memory.
type pipes struct {
	incoming chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

func newPipes() *pipes { return &pipes{incoming: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.incoming:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return nil }

// call connects and says the text; it must be read in whole.
func (p *pipes) call(t *testing.T, text string) net.Conn {
	t.Helper()
	mine, theirs := net.Pipe()
	p.incoming <- theirs
	if _, err := io.WriteString(mine, text); err != nil {
		t.Errorf("saying %.20q: %v", text, err)
	}
	return mine
}

// waiting starts wait, and returns where its result comes.
func waiting(ctx context.Context, p *pipes, g gate) chan error {
	done := make(chan error, 1)
	go func() { done <- wait(ctx, p, g) }()
	return done
}

func hear(t *testing.T, connection net.Conn) string {
	t.Helper()
	answer, err := io.ReadAll(connection)
	if err != nil {
		t.Error(err)
	}
	return string(answer)
}

func TestWaitAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, right := testGate("a")
		_, wrong := testGate("b")
		p := newPipes()
		done := waiting(t.Context(), p, g)
		for text, want := range map[string]string{
			wrong:                           "no: the signature is not for this pod by the key it knows\n",
			"GET / HTTP/1.1\n":              "no: not a wake call\n",
			"\n":                            "no: not a wake call\n",
			strings.Repeat("x", 512):        "no: not a wake call\n",
			strings.Repeat("x", 511) + "\n": "no: not a wake call\n",
		} {
			if got := hear(t, p.call(t, text)); got != want {
				t.Errorf("%.20q: got %q, want %q", text, got, want)
			}
		}
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("woken by a wrong call: %v", err)
		default:
		}
		if got := hear(t, p.call(t, right)); got != "ok\n" {
			t.Errorf("the right call: %q", got)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Who says nothing is hung up on after a second, and is no hindrance before.
func TestSlowCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, right := testGate("a")
		p := newPipes()
		done := waiting(t.Context(), p, g)
		began := time.Now()
		if got := hear(t, p.call(t, "wake ")); got != "" || time.Since(began) != lineWithin {
			t.Errorf("half a line: %q after %s", got, time.Since(began))
		}
		began = time.Now()
		var silent []net.Conn
		for range 3 * connections {
			silent = append(silent, p.call(t, "wake "))
		}
		for _, oldest := range silent[:2*connections] {
			if got := hear(t, oldest); got != "" {
				t.Errorf("pushed out with %q", got)
			}
		}
		if got := hear(t, p.call(t, right)); got != "ok\n" {
			t.Errorf("the right call: %q", got)
		}
		if err := <-done; err != nil || time.Since(began) != 0 {
			t.Errorf("woken %s later: %v", time.Since(began), err)
		}
		for _, left := range silent {
			left.Close()
		}
	})
}

func TestWaitEndsWhenTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		p := newPipes()
		g, _ := testGate("a")
		done := waiting(ctx, p, g)
		silent := p.call(t, "wake ")
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		silent.Close()
	})
}

func TestWaitEndsWithItsListener(t *testing.T) {
	p := newPipes()
	p.Close()
	g, _ := testGate("a")
	if err := wait(t.Context(), p, g); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
