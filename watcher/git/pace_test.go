package git

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// trickle gives n bytes each time, every so often, after a first wait, until its
// context ends.
type trickle struct {
	ctx          context.Context
	first, every time.Duration
	n            int
	left         int
}

func (t *trickle) Read(b []byte) (int, error) {
	wait := t.every
	if t.first > 0 {
		wait, t.first = t.first, 0
	}
	select {
	case <-t.ctx.Done():
		return 0, context.Cause(t.ctx)
	case <-time.After(wait):
	}
	if t.left == 0 {
		return 0, io.EOF
	}
	t.left--
	return min(t.n, len(b)), nil
}

func TestPace(t *testing.T) {
	tests := map[string]struct {
		trickle
		ends time.Duration // 0: it comes to its end
	}{
		"a byte a second":                {trickle{every: time.Second, n: 1, left: 1000}, time.Minute},
		"a slow line":                    {trickle{every: time.Second, n: 4 << 10, left: 500}, 0},
		"nothing at all":                 {trickle{every: time.Hour, left: 1}, 2 * time.Minute},
		"the server thinks for a minute": {trickle{first: 100 * time.Second, every: time.Second, n: 8 << 10, left: 100}, 0},
		"it stalls in the middle":        {trickle{first: time.Second, every: 45 * time.Second, n: 8 << 10, left: 100}, time.Minute},
		"the last byte is late":          {trickle{every: 29 * time.Second, n: 1, left: 0}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, ctx, done := paced(t.Context())
				defer done()
				began := time.Now()
				test.ctx = ctx
				_, err := io.Copy(io.Discard, p.of(&test.trickle))
				var slow *slowError
				switch took := time.Since(began); {
				case test.ends == 0 && err != nil:
					t.Errorf("ended after %s: %v", took, err)
				case test.ends > 0 && (!errors.As(err, &slow) || took != test.ends):
					t.Errorf("ended after %s with %v, want a slowError after %s", took, err, test.ends)
				}
			})
		})
	}
	if text := AsError(classify(&slowError{7}, "git.example.com", DefaultLimits())).Error(); !strings.Contains(text, "git.example.com sends too slowly") || !strings.Contains(text, "7 bytes came") {
		t.Error(text)
	}
}
