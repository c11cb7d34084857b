package proxy

import (
	"bytes"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// counted counts what is read of zeros.
type counted struct{ n atomic.Int64 }

func (c *counted) Read(b []byte) (int, error) { clear(b); c.n.Add(int64(len(b))); return len(b), nil }

// room has so many bytes left.
type room struct{ left atomic.Int64 }

func newRoom(left int64) *room {
	r := &room{}
	r.left.Store(left)
	return r
}

func (r *room) More(n int) bool {
	if r.left.Add(-int64(n)) >= 0 {
		return true
	}
	r.Less(n)
	return false
}

func (r *room) Need(n int) { r.left.Add(-int64(n)) }
func (r *room) Less(n int) { r.left.Add(int64(n)) }

func TestReadingAheadIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ left, want int64 }{
		"by the request": {2 * mostAhead, mostAhead},
		"by the share":   {3 * bufferSize, 3 * bufferSize},
		"to nothing":     {0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var client counted
				room := newRoom(c.left)
				a := readAhead(client.Read, room)
				synctest.Wait()
				if got := client.n.Load(); got != c.want {
					t.Errorf("%d bytes are read while nobody wants them, want %d", got, c.want)
				}
				// The app sets the pace: no more than one piece beyond what it took.
				for taken := int64(0); taken < 2*mostAhead; taken += 1 << 10 {
					_, _ = io.ReadFull(a, make([]byte, 1<<10))
				}
				synctest.Wait()
				if got := client.n.Load(); got > 2*mostAhead+bufferSize {
					t.Errorf("%d bytes are read, %d taken", got, 2*mostAhead)
				}
				a.close()
				if got := room.left.Load(); got != c.left {
					t.Errorf("%d bytes are still counted", c.left-got)
				}
			})
		})
	}
}

func TestWhatWasReadAheadIsTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		a := readAhead(r.Read, newRoom(2*mostAhead))
		want := make([]byte, 3*bufferSize+7)
		for i := range want {
			want[i] = byte(i % 251)
		}
		go func() {
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 1000)
				_, _ = w.Write(rest[:n])
				rest = rest[n:]
				time.Sleep(time.Millisecond)
			}
			w.Close()
		}()
		time.Sleep(10 * time.Millisecond)
		if got, err := io.ReadAll(a); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes and %v, want %d", len(got), err, len(want))
		}
		a.close()
	})
}
