package backend

import (
	"net"
	"net/http"
	"time"
)

const (
	// DialTimeout bounds a connection to a pod; a healthy one takes less than
	// a millisecond, and one lost packet costs a second.
	DialTimeout = 2 * time.Second
	// idleTimeout is below the 5 s after which Node.js and uvicorn close an
	// idle connection, so that requests do not run into a closing one.
	idleTimeout = 4 * time.Second

	maxIdleConns = 1024
)

// Transport returns the pod's own HTTP transport; h2c asks for HTTP/2 without
// TLS. One transport per pod means that no connection outlives its pod, even
// if the pod's address is given to another.
func (p *Pod) Transport(h2c bool) http.RoundTripper {
	p.transports.Lock()
	defer p.transports.Unlock()
	t := &p.plain
	if h2c {
		t = &p.h2c
	}
	if *t == nil {
		*t = newTransport(h2c)
	}
	return *t
}

func newTransport(h2c bool) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h2c)
	protocols.SetUnencryptedHTTP2(h2c)
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: DialTimeout, KeepAlive: 15 * time.Second}).DialContext,
		Protocols:             protocols,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   maxIdleConns,
		IdleConnTimeout:       idleTimeout,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       16 << 10,
		ReadBufferSize:        16 << 10,
	}
}

func (p *Pod) closeIdle() {
	p.transports.Lock()
	defer p.transports.Unlock()
	for _, t := range []*http.Transport{p.plain, p.h2c} {
		if t != nil {
			t.CloseIdleConnections()
		}
	}
}
