package h1

import (
	"testing"
	"time"
)

func TestDateFollowsTheClock(t *testing.T) {
	at := time.Date(1994, time.November, 6, 9, 49, 37, 0, time.FixedZone("", 3600))
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{0, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
		{999 * time.Millisecond, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
		{time.Second, "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"},
		{-time.Second, "Date: Sun, 06 Nov 1994 08:49:36 GMT\r\n"},
	} {
		if got := string(appendDate(nil, at.Add(c.after))); got != c.want {
			t.Errorf("%v: %q, want %q", c.after, got, c.want)
		}
	}
	b, now := make([]byte, 0, 64), at.Add(-time.Second)
	if n := testing.AllocsPerRun(100, func() { b = appendDate(b[:0], now) }); n != 0 {
		t.Errorf("%v allocations within a second", n)
	}
}
