package wire

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// room has so many bytes left.
type room int

func (r *room) More(n int) bool {
	if n > int(*r) {
		return false
	}
	*r -= room(n)
	return true
}

func (r *room) Less(n int) { *r += room(n) }

// fill reads until n bytes are buffered.
func fill(t *testing.T, c *Conn, n int) {
	t.Helper()
	for len(c.Buffered()) < n {
		if err := c.Fill(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBufferGrowsByWhatTheRoomHas(t *testing.T) {
	c, peer := pair(t)
	left := room(Small) // for one doubling
	c.Charge(&left)
	go func() { _, _ = io.WriteString(peer, strings.Repeat("x", Large)) }()
	fill(t, c, 2*Small)
	if err := c.Fill(); !errors.Is(err, ErrNoRoom) || left != 0 {
		t.Errorf("got %v with %d left, want ErrNoRoom", err, left)
	}
	c.Discard(len(c.Buffered()))
	c.Shrink()
	if left != Small || c.Wide() {
		t.Errorf("%d of %d came back", left, Small)
	}
	c.Widen()
	if left != Small || c.Wide() {
		t.Error("it was widened without room")
	}
	left = Large
	c.Widen()
	if !c.Wide() || left != Small {
		t.Errorf("it was not widened, or for %d instead of %d", Large-left, Large-Small)
	}
}

func TestGrowAndCut(t *testing.T) {
	for _, tc := range []struct{ head, body, behind int }{
		{100, 60 << 10, 0}, {100, 60 << 10, 50}, {100, 10, 50}, {20 << 10, 60 << 10, 9}, {100, 9 << 10, 20 << 10},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			c, peer := pair(t)
			left := room(Max)
			c.Charge(&left)
			all := strings.Repeat("h", tc.head) + strings.Repeat("b", tc.body) + strings.Repeat("n", tc.behind)
			go func() { _, _ = io.WriteString(peer, "gone"+all) }()
			fill(t, c, 4)
			c.Discard(4)
			need := tc.head + tc.body
			if n := c.Growth(need); n > 0 {
				if !left.More(n) {
					t.Fatal("no room")
				}
				c.Grow(need)
			}
			if before := left; len(all) <= need {
				fill(t, c, len(all))
				if left != before {
					t.Errorf("it grew by %d more than Growth has said", before-left)
				}
			}
			fill(t, c, len(all))
			c.Cut(tc.head, tc.body)
			if got, want := string(c.Buffered()), all[:tc.head]+all[need:]; got != want {
				t.Errorf("%d bytes are left, want %d; or they are others", len(got), len(want))
			}
			c.Discard(len(c.Buffered()))
			c.Shrink()
			if left != Max {
				t.Errorf("%d bytes did not come back", Max-left)
			}
		})
	}
}
