package proxy

import (
	"net/http"
	"time"

	"github.com/headway-dev/headway/scaler/activator/bounds"
)

// seatOf is the place of a request's connection among all others; nil for
// HTTP/2, where many requests share one.
func seatOf(r *http.Request) *bounds.Seat {
	if conn, ok := r.Context().Value(connKey{}).(interface{ Seat() *bounds.Seat }); ok && r.ProtoMajor == 1 {
		return conn.Seat()
	}
	return nil
}

// Admit charges the request to its app: its connection, or if that has others,
// too, the request itself.
func (x *exchange) Admit(app bounds.App) bool {
	if seat := seatOf(x.in); seat != nil {
		if seat.For(app) {
			return true
		}
		x.w.Header().Set("Connection", "close") // it is one too many
		return false
	}
	if !x.handler.front.Budget.Conns.TryTake(app, bounds.NetHTTP) {
		return false
	}
	x.admitted, x.app = true, app
	return true
}

// leave gives back what the request itself was charged for.
func (x *exchange) leave() {
	if x.admitted {
		x.admitted = false
		x.handler.front.Budget.Conns.Give(x.app, bounds.NetHTTP)
	}
}

// stopWriting ends a response that the client does not take. One over HTTP/1 ends
// by itself: its connection is written as on the hot path. Over HTTP/2 others
// share the connection.
func (x *exchange) stopWriting() {
	if x.in.ProtoMajor == 2 {
		_ = http.NewResponseController(x.w).SetWriteDeadline(time.Unix(1, 0)) // fails on one that has ended
	}
}
