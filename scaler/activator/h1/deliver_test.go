package h1

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// TestSlowReadersEndOnBothRoutes by the same rule: a client that takes a byte now
// and then goes on, one that takes none ends, and an upgraded connection never
// does.
func TestSlowReadersEndOnBothRoutes(t *testing.T) {
	body := []byte("0123456789")
	hot := func(c *wire.Conn, _ net.Conn) func([]byte) error {
		return func(b []byte) error {
			if !send(c, b) {
				return os.ErrDeadlineExceeded
			}
			return nil
		}
	}
	netHTTP := func(upgraded bool) func(*wire.Conn, net.Conn) func([]byte) error {
		return func(c *wire.Conn, nc net.Conn) func([]byte) error {
			h := &handed{Conn: nc, in: c}
			if upgraded {
				h.EndHTTP()
			}
			return func(b []byte) error { _, err := h.Write(b); return err }
		}
	}
	for _, tc := range []struct {
		name   string
		route  func(*wire.Conn, net.Conn) func([]byte) error
		pause  time.Duration // between two bytes that the client takes
		arrive int
	}{
		{"hot path, takes none", hot, 10 * life.StreamIdle, 0},
		{"net/http, takes none", netHTTP(false), 10 * life.StreamIdle, 0},
		{"upgraded, takes none for long", netHTTP(true), 10 * life.StreamIdle, len(body)},
		{"hot path, takes some", hot, life.StreamIdle / 3, len(body)},
		{"net/http, takes some", netHTTP(false), life.StreamIdle / 3, len(body)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer near.Close()
				write := tc.route(wire.New(near), near)
				arrived := make(chan int, 1)
				go func() {
					n := 0
					for ; n < len(body); n++ {
						time.Sleep(tc.pause)
						if _, err := io.ReadFull(far, make([]byte, 1)); err != nil {
							break
						}
					}
					arrived <- n
				}()
				began := time.Now()
				err := write(body)
				if took := time.Since(began); tc.arrive == 0 && (took > life.StreamIdle || !errors.Is(err, os.ErrDeadlineExceeded)) {
					t.Errorf("it ended after %s with %v, want at most %s", took, err, life.StreamIdle)
				}
				near.Close()
				if n := <-arrived; n != tc.arrive || (err == nil) != (n == len(body)) {
					t.Errorf("%d bytes arrived, %v; want %d", n, err, tc.arrive)
				}
			})
		})
	}
}
