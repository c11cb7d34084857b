package h1

import (
	"errors"
	"os"
	"sync"
	"time"

	"github.com/headway-dev/headway/scaler/activator/wire"
)

// watch notices that a client goes away while its request is slow. A request
// that is answered fast never starts one.
type watch struct {
	ended chan struct{} // nil while there is no watch
	early []byte        // what a pipelining client has sent meanwhile

	mu   sync.Mutex
	gone bool
	then func()
}

// start calls then when the client goes away, or at once if it has. Another
// start replaces then.
func (w *watch) start(in *wire.Conn, then func()) {
	w.mu.Lock()
	w.then = then
	gone := w.gone
	w.mu.Unlock()
	if gone {
		then()
		return
	}
	if w.ended != nil {
		return
	}
	in.ReadUntil(time.Time{})
	w.ended = make(chan struct{})
	go w.read(in)
}

func (w *watch) read(in *wire.Conn) {
	defer close(w.ended)
	var b [1]byte
	n, err := in.Read(b[:])
	if n > 0 {
		w.early = append(w.early, b[0])
		return // it is there; a second request says no more
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	// Under the lock, so that after calm it is certain that then is not, and
	// will not be, called.
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	if w.then != nil {
		w.then()
	}
}

// calm forgets what to do when the client goes away.
func (w *watch) calm() {
	if w.ended == nil {
		return
	}
	w.mu.Lock()
	w.then = nil
	w.mu.Unlock()
}

// left tells whether the client has gone.
func (w *watch) left() bool {
	if w.ended == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

// stop ends the watch and gives back what it has read; false if the client
// has gone.
func (w *watch) stop(in *wire.Conn) bool {
	if w.ended == nil {
		return true
	}
	_ = in.SetReadDeadline(past)
	<-w.ended
	in.ReadUntil(time.Time{})
	w.ended = nil
	err := in.Push(w.early)
	w.early = w.early[:0]
	return err == nil && !w.gone
}
