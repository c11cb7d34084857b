package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/life"
)

// TestResponseThatNobodyTakesEnds over HTTP/2, too, where a client that takes
// nothing of one response holds up no other.
func TestResponseThatNobodyTakesEnds(t *testing.T) {
	ended := make(chan error)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			return
		}
		x := &exchange{in: r}
		x.w = &recorder{ResponseWriter: w, request: r, x: &life.Exchange{}}
		written, err := make(chan struct{}, 1000), error(nil)
		go func() { // it is stuck when nothing more is written
			for range cap(written) {
				select {
				case <-written:
				case <-time.After(time.Second):
					x.stopWriting()
					return
				}
			}
		}()
		for err == nil {
			_, err = x.w.Write(make([]byte, bufferSize))
			written <- struct{}{}
		}
		ended <- err
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-ended
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the client takes the response for a whole one")
	}
	other, err := client.Get(server.URL + "/other")
	if err != nil || other.StatusCode != http.StatusOK {
		t.Fatalf("another request on the connection: %v, %v", other, err)
	}
	other.Body.Close()
}
