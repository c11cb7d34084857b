package proxy

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/life"
)

// incoming is the body of a request. It tells the clock whose turn it is, and
// can be interrupted: net/http waits for a Read that waits for the client
// before anything else about the request ends.
type incoming struct {
	io.ReadCloser
	of       *http.Request         // as net/http has made it: only there do trailers appear that were not announced
	trailer  http.Header           // complete when the body has ended
	deadline func(time.Time) error // sets that of reading from the client
	clock    *clock                // nil until the request is on its way to a pod
	ahead    *ahead                // nil: the request has not waited for a pod

	expects bool        // to be asked for the body
	ended   atomic.Bool // was read to its end
	failed  atomic.Bool

	asking      sync.Mutex // held while the body is waited for
	reading     sync.Mutex // held while the client is
	interrupted atomic.Bool
	lost        atomic.Bool // the pod's connection has closed

	mu   sync.Mutex
	over bool // the request has ended: net/http uses the connection again
}

// newIncoming returns the body of r; nil if r has none.
func newIncoming(w http.ResponseWriter, r *http.Request) *incoming {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	i := &incoming{
		ReadCloser: r.Body, of: r, trailer: r.Trailer,
		deadline: http.NewResponseController(w).SetReadDeadline, expects: r.Header.Get("Expect") != "",
	}
	if i.trailer == nil {
		i.trailer = http.Header{}
	}
	return i
}

var errInterrupted = errors.New("the body is not wanted any more")

func (i *incoming) Read(p []byte) (int, error) {
	i.asking.Lock()
	defer i.asking.Unlock()
	if i.lost.Load() {
		return 0, errInterrupted
	}
	i.clock.clientsTurn()
	n, err := i.next(p)
	i.clock.appsTurn()
	switch {
	case errors.Is(err, io.EOF):
		maps.Copy(i.trailer, i.of.Trailer)
	case err != nil && !errors.Is(err, http.ErrBodyReadAfterClose):
		i.failed.Store(true)
	}
	return n, err
}

func (i *incoming) next(p []byte) (int, error) {
	if i.ahead != nil {
		return i.ahead.Read(p)
	}
	return i.read(p)
}

// read reads from the client.
func (i *incoming) read(p []byte) (int, error) {
	i.reading.Lock()
	defer i.reading.Unlock()
	if i.interrupted.Load() {
		return 0, errInterrupted
	}
	n, err := i.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		i.ended.Store(true)
	}
	return n, err
}

// wait is for a request that begins to wait for a pod. What is on its way of
// its body must not hide that the client goes away. HTTP/2 tells that apart.
func (i *incoming) wait() {
	if i == nil || i.ahead != nil || i.expects {
		return
	}
	if seat := seatOf(i.of); seat != nil {
		i.ahead = readAhead(i.read, seat.Memory)
	}
}

// begin is for a connection to a pod that is to carry the body.
func (i *incoming) begin() {
	if i != nil {
		i.lost.Store(false)
	}
}

// lose is for a connection that has closed; true if somebody still waits for
// the body. Nothing more is read before the next begin.
func (i *incoming) lose() bool {
	if i == nil {
		return false
	}
	i.lost.Store(true)
	if i.asking.TryLock() {
		i.asking.Unlock()
		return false
	}
	return true
}

// interrupt ends reading, now and from now on.
func (i *incoming) interrupt() {
	if !i.unread() {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.over {
		return
	}
	i.interrupted.Store(true)
	_ = i.deadline(time.Unix(1, 0)) // fails on a connection that has ended
}

// end is for the end of a request. If its body was not read to the end, the
// client has a moment to read the response before net/http closes the
// connection.
func (i *incoming) end() {
	if i == nil {
		return
	}
	i.interrupt()
	i.mu.Lock()
	i.over = true
	i.mu.Unlock()
	if i.unread() && i.of.ProtoMajor == 1 {
		i.reading.Lock() // net/http would take back the deadline if somebody still read
		_ = i.deadline(time.Now().Add(life.Lingering))
		i.reading.Unlock()
	}
	if i.ahead != nil {
		i.ahead.close()
	}
}

// unread reports whether something of the body is still to come, as far as is
// known.
func (i *incoming) unread() bool { return i != nil && !i.ended.Load() }

// cutOff reports whether the body ended before it was complete.
func (i *incoming) cutOff() bool { return i != nil && i.failed.Load() }

// skip takes what has come of the body already, so that a connection can go on
// behind a small one that nobody wants.
func (i *incoming) skip() {
	if i == nil || i.expects {
		return
	}
	_ = i.deadline(time.Unix(1, 0))
	if _, err := io.CopyN(io.Discard, i.ReadCloser, maxSkipped); errors.Is(err, io.EOF) {
		i.ended.Store(true)
	}
	_ = i.deadline(time.Time{})
}

// maxSkipped is what the hot path takes of a body.
const maxSkipped = 64 << 10
