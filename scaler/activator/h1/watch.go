package h1

import (
	"sync"

	"github.com/headway-dev/headway/scaler/activator/wire"
)

// watch notices that a client goes away while its request is slow. A request
// that is answered fast never starts one.
type watch struct {
	on *wire.Watch // nil while there is no watch

	mu   sync.Mutex
	gone bool
	then func()
}

// start calls then when the client goes away, or at once if it has. Another
// start replaces then.
func (w *watch) start(clients *wire.Watcher, in *wire.Conn, then func()) {
	w.mu.Lock()
	w.then = then
	gone := w.gone
	w.mu.Unlock()
	switch {
	case gone:
		then()
	case w.on == nil:
		w.on = clients.Watch(in.Conn, w.leave)
	}
}

// leave runs under the lock, so that after calm it is certain that then is
// not, and will not be, called.
func (w *watch) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	if w.then != nil {
		w.then()
	}
}

// calm forgets what to do when the client goes away.
func (w *watch) calm() {
	if w.on == nil {
		return
	}
	w.mu.Lock()
	w.then = nil
	w.mu.Unlock()
}

// left reports whether the client has gone.
func (w *watch) left() bool {
	if w.on == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gone
}

// stop ends the watch; false if the client has gone.
func (w *watch) stop() bool {
	if w.on == nil {
		return true
	}
	gone := w.left()
	w.on.Stop()
	w.on = nil
	return !gone
}
