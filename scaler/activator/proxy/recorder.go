package proxy

import (
	"bufio"
	"net"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/life"
)

// recorder notes what was sent, and keeps net/http to what the hot path does.
// Flushing and hijacking pass through Unwrap.
type recorder struct {
	http.ResponseWriter
	request *http.Request
	body    *incoming // of the request, if it came over HTTP/1
	x       *life.Exchange
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader sends the head of a response.
func (r *recorder) WriteHeader(status int) {
	if status < http.StatusOK {
		if r.wants(status) {
			r.Header().Del(answer.Header) // which is not the app's to send
			r.ResponseWriter.WriteHeader(status)
		}
		return
	}
	if r.x.Status == 0 {
		r.x.Status = status
		if r.body.unread() {
			// What is still to come of it is not looked at. net/http would
			// look for the next request there, where a client may have hidden
			// one.
			r.Header().Set("Connection", "close")
		}
	}
	h := r.Header()
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // or net/http would guess one
	}
	r.ResponseWriter.WriteHeader(status)
	// The head is out. What stands in the map under the name of a trailer when
	// the body ends is sent as one: it must not be the field of the head.
	for _, names := range h["Trailer"] {
		for name := range strings.SplitSeq(names, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
}

// wants reports whether the client can read an informational response: HTTP/1.0
// has none, and 100 is only for those who wait for it.
func (r *recorder) wants(status int) bool {
	if status == http.StatusContinue {
		return r.request.ProtoAtLeast(1, 1) && r.request.Header.Get("Expect") != ""
	}
	return r.request.ProtoAtLeast(1, 1)
}

// Hijack is what an upgrade ends with; its response goes around WriteHeader.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err != nil {
		return conn, rw, err
	}
	r.x.Status = http.StatusSwitchingProtocols
	if checked, ok := conn.(interface{ EndHTTP() }); ok {
		checked.EndHTTP() // what follows is not HTTP
	}
	if rw.Reader.Buffered() > 0 {
		conn = eager{Conn: conn, buffered: rw.Reader}
	}
	return conn, rw, nil
}

// eager is a connection whose client has sent bytes before it was told that
// the protocol is switched. httputil would lose them.
type eager struct {
	net.Conn
	buffered *bufio.Reader
}

func (e eager) Read(b []byte) (int, error) { return e.buffered.Read(b) }

// CloseWrite is what httputil ends one direction with.
func (e eager) CloseWrite() error {
	if half, ok := e.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return e.Close()
}

func (r *recorder) Write(b []byte) (int, error) {
	n, err := r.ResponseWriter.Write(b)
	r.x.Bytes += int64(n)
	return n, err
}
