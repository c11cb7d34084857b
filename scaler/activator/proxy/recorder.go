package proxy

import (
	"bufio"
	"net"
	"net/http"
)

// recorder notes what was sent. Flushing and hijacking pass through Unwrap.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Hijack is what an upgrade ends with; its response goes around WriteHeader.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err != nil {
		return conn, rw, err
	}
	r.status = http.StatusSwitchingProtocols
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
	r.bytes += int64(n)
	return n, err
}
