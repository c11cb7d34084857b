// Package forgetest has servers that answer as forges do, for tests.
package forgetest

import (
	"net/http"
	"net/http/httptest"
)

// Served is a transport whose requests a handler answers, without a network: time
// that passes in a bubble of testing/synctest passes for it, too.
type Served struct{ http.Handler }

// RoundTrip lets the handler answer, or the context end.
func (s Served) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	done := make(chan struct{})
	inbound := req.Clone(req.Context())
	inbound.RequestURI, inbound.Host = req.URL.RequestURI(), req.URL.Host
	go func() {
		defer close(done)
		s.ServeHTTP(recorder, inbound)
	}()
	select {
	case <-done:
		return recorder.Result(), nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}
