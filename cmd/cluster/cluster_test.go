package cluster

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestPatiently(t *testing.T) {
	const never = time.Hour
	for _, tc := range []struct {
		name            string
		back, gone      time.Duration // from the first attempt until the server is there, and nobody waits
		atLeast, atMost time.Duration
		connected       bool
	}{
		{name: "at once", gone: never, connected: true},
		{name: "after an outage", back: 10 * time.Second, gone: never, atLeast: 10 * time.Second, atMost: 10*time.Second + pause, connected: true},
		{name: "not at all", back: never, gone: never, atLeast: patience - pause, atMost: patience},
		{name: "nobody waits", back: never, gone: time.Second, atLeast: time.Second, atMost: time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), tc.gone)
			defer cancel()
			conn, err := patiently(func(context.Context, string, string) (net.Conn, error) {
				if time.Since(began) < tc.back {
					return nil, syscall.ECONNREFUSED
				}
				return &net.TCPConn{}, nil
			})(ctx, "tcp", "198.51.100.1:6443")
			took := time.Since(began)
			if (conn != nil) != tc.connected || tc.connected != (err == nil) || err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s: %v, %v", tc.name, conn, err)
			}
			if took < tc.atLeast || took > tc.atMost {
				t.Errorf("%s: took %s", tc.name, took)
			}
		})
	}
}
