package proxy

import (
	"errors"
	"slices"
	"sync"
)

// mostAhead is what is read ahead of one body whose request waits for a pod: about
// what the kernel of a client takes before a write blocks.
const mostAhead = 4 << 20

// memory is what pieces are taken from; a *bounds.Memory in production.
type memory interface {
	// More takes n bytes, if there are some; Need takes them anyway.
	More(n int) bool
	Need(n int)
	Less(n int)
}

// ahead reads a body while its request waits for a pod. The end of a client's
// connection comes behind the bytes that it has sent, and cannot be seen while
// these are more than the kernel takes.
//
// While the request waits, what is read is bounded by mostAhead and by the share
// of its app.
// From the first Read on one piece is, as the app sets the pace then.
type ahead struct {
	from   func([]byte) (int, error)
	memory memory

	mu      sync.Mutex
	changed sync.Cond
	pieces  []*piece // the last one is written to, the first one read from
	reading bool     // there was a Read
	closed  bool
	err     error // of from, behind the pieces
}

// piece is a buffer whose bytes from r to w are to be read.
type piece struct {
	b    *[bufferSize]byte
	r, w int
}

var errClosed = errors.New("the request has ended")

// readAhead begins to read. Close it, after from has been made to fail unless
// it has ended.
func readAhead(from func([]byte) (int, error), room memory) *ahead {
	a := &ahead{from: from, memory: room}
	a.changed.L = &a.mu
	go a.run()
	return a
}

func (a *ahead) run() {
	for {
		p := a.room()
		if p == nil {
			return
		}
		n, err := a.from(p.b[p.w:])
		if a.took(p, n, err) {
			return
		}
	}
}

// room waits for a piece that can be written to; nil if none is needed.
func (a *ahead) room() *piece {
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.closed {
		if n := len(a.pieces); n > 0 && a.pieces[n-1].w < bufferSize {
			return a.pieces[n-1]
		}
		if a.more() {
			p := &piece{b: bufferPool.Get().(*[bufferSize]byte)}
			a.pieces = append(a.pieces, p)
			return p
		}
		a.changed.Wait()
	}
	return nil
}

// more reports whether there may be one more piece, and counts it.
func (a *ahead) more() bool {
	switch {
	case a.reading && len(a.pieces) > 0, len(a.pieces)*bufferSize >= mostAhead:
		return false
	case a.memory.More(bufferSize):
		return true
	case !a.reading:
		return false
	}
	a.memory.Need(bufferSize)
	return true
}

// took notes what was read into p; true at the end.
func (a *ahead) took(p *piece, n int, err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.w += n
	a.err = err
	a.changed.Broadcast()
	return err != nil
}

// Read is io.Reader's.
func (a *ahead) Read(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reading = true
	a.changed.Broadcast()
	for !a.closed {
		if len(a.pieces) > 0 && a.pieces[0].r < a.pieces[0].w {
			return a.take(b), nil
		}
		if a.err != nil {
			return 0, a.err
		}
		a.changed.Wait()
	}
	return 0, errClosed
}

// take reads from the first piece.
func (a *ahead) take(b []byte) int {
	p := a.pieces[0]
	n := copy(b, p.b[p.r:p.w])
	if p.r += n; p.r == bufferSize {
		a.free(p)
		a.pieces = slices.Delete(a.pieces, 0, 1)
	}
	return n
}

func (a *ahead) free(p *piece) {
	bufferPool.Put(p.b)
	a.memory.Less(bufferSize)
}

// close ends both sides. Nothing is being read any more.
func (a *ahead) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.changed.Broadcast()
	for _, p := range a.pieces {
		a.free(p)
	}
	a.pieces = nil
}
