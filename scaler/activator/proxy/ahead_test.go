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

func TestReadingAheadIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ before, want int64 }{
		"by the request": {0, mostAhead},
		"by all":         {allAhead - 3*bufferSize, 3 * bufferSize},
		"to nothing":     {allAhead, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all atomic.Int64
				all.Store(c.before)
				var client counted
				a := readAhead(client.Read, &all)
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
				if got := all.Load(); got != c.before {
					t.Errorf("%d bytes are still counted", got-c.before)
				}
			})
		})
	}
}

func TestWhatWasReadAheadIsTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all atomic.Int64
		r, w := io.Pipe()
		a := readAhead(r.Read, &all)
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
