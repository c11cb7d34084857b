package h1

import (
	"bufio"
	"bytes"
	"net/http"

	"github.com/headway-dev/headway/scaler/activator/mirror"
	"github.com/headway-dev/headway/scaler/activator/peer"
)

// Copy is the request as the pod gets it; nil if it is none to be copied.
func (c *conn) Copy() *http.Request {
	if c.req.length > 0 || !mirror.Copies(string(c.req.method)) {
		return nil
	}
	head := appendRequest(nil, &c.req, &c.peer, peer.Hop{}, c.x.Trace)
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return nil // net/http does not understand all that a pod may
	}
	if _, given := r.Header["User-Agent"]; !given {
		r.Header.Set("User-Agent", "") // or net/http would add its own
	}
	r.Body = nil
	return r
}
