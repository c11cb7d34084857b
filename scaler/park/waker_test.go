package park

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serveAnswers is a server that answers each connection with the next of the answers; "" hangs up.
// It closes its port after the last.
func serveAnswers(t *testing.T, answers ...string) (calls *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	before := port
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	calls = &atomic.Int32{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer listener.Close()
		for _, answer := range answers {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(connection).ReadString('\n')
			calls.Add(1)
			_, _ = io.WriteString(connection, answer)
			connection.Close()
		}
	}()
	t.Cleanup(func() { listener.Close(); <-done; port = before })
	return calls
}

func TestWake(t *testing.T) {
	pair := newKeys(t)
	for _, tc := range []struct {
		name    string
		answers []string
		is      error  // ErrRefused, ErrDenied or nil
		text    string // part of the error, if there is one
		calls   int32
	}{
		{"woken", []string{"ok\n"}, nil, "", 1},
		{"nobody listens", nil, ErrRefused, "nobody waits", 0},
		{"denied", []string{"no: \x1b[31mwhy\n"}, ErrDenied, `denied the wake call: "\x1b[31mwhy"`, 1},
		{"another was faster", []string{""}, ErrRefused, "nobody waits", 1},
		{"pushed out once", []string{"", "ok\n"}, nil, "", 2},
		{"half an answer, then denied", []string{"ok", "no: x\n"}, ErrDenied, "denied", 2},
		{"hung up on every time", []string{"", "", "", "", "ok\n"}, errUnanswered, "ended without an answer", 4},
		{"something else listens", []string{"HTTP/1.1 400 Bad Request\r\n\r\n"}, nil, `the answer is "HTTP/1.1 400 Bad Request\r"`, 1},
		{"a long answer", []string{strings.Repeat("x", 1000)}, ErrRefused, "nobody waits", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls := serveAnswers(t, tc.answers...)
			err := waker(t, pair).Wake(t.Context(), "127.0.0.1", testPod)
			if tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(errorText(err), tc.text) || (err == nil) != (tc.text == "") {
				t.Errorf("error %v, want %v", err, tc.is)
			}
			for _, is := range []error{ErrDenied, ErrRefused} {
				if errors.Is(err, is) != errors.Is(tc.is, is) {
					t.Errorf("error %v is also %v", err, is)
				}
			}
			if got := calls.Load(); got != tc.calls {
				t.Errorf("%d calls, want %d", got, tc.calls)
			}
		})
	}
}

// A pod that says nothing is waited for no longer than the caller wants.
func TestWakeIsBounded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	before := port
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	t.Cleanup(func() { listener.Close(); port = before })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err = waker(t, newKeys(t)).Wake(ctx, "127.0.0.1", testPod)
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrRefused) || errors.Is(err, ErrDenied) {
		t.Errorf("got %v", err)
	}
}
