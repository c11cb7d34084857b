package proxy

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/grammar"
	"github.com/headway-dev/headway/scaler/activator/life"
)

// Handler leads the requests of an http.Server through the activator.
type Handler struct {
	front   *life.Front
	reverse httputil.ReverseProxy
	grpc    httputil.ReverseProxy
}

// New makes a Handler.
func New(front *life.Front, errors *slog.Logger) *Handler {
	h := &Handler{front: front}
	h.reverse = httputil.ReverseProxy{
		Rewrite:       rewrite,
		Transport:     transport{},
		FlushInterval: -1, // every byte of a stream goes on at once
		BufferPool:    buffers{},
		ErrorHandler:  fail,
		ErrorLog:      slog.NewLogLogger(errors.Handler(), slog.LevelDebug),
	}
	h.grpc = h.reverse
	// A gRPC error is a response of one header frame, which a flush would
	// split in two: clients then miss the trailers. Responses of unknown
	// length, which are all others of gRPC, are flushed all the same.
	h.grpc.FlushInterval = 0
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.front.Draining.Load() {
		// The client shall open its next connection elsewhere. Closing idle
		// ones instead would hit requests that are on their way.
		w.Header().Set("Connection", "close")
	}
	if no := refusal(r); no != nil {
		a := answer.Refused(no)
		h.front.Refused(r.RemoteAddr, a)
		a.Write(w, r)
		return
	}
	x := &exchange{handler: h, in: r, body: newIncoming(w, r)}
	x.w = &recorder{ResponseWriter: w, request: r, x: &x.Exchange}
	if r.ProtoMajor == 1 {
		// An app may answer while the request's body is still on its way.
		_ = http.NewResponseController(w).EnableFullDuplex() // only HTTP/1 needs and knows it
		x.w.body = x.body
	}
	defer x.body.end()
	defer x.leave()
	x.Member.Cancel = func() { x.end(life.ErrStopping) }
	h.front.Serve(&x.Exchange, x)
	if x.Status == answer.ClientGone {
		panic(http.ErrAbortHandler) // net/http would make up a response
	}
}

// refusal is why a request must not go on; nil if it may. Those of HTTP/1 have
// been looked at by package h1.
func refusal(r *http.Request) *grammar.Refusal {
	if r.ProtoMajor == 1 {
		return nil
	}
	if no := grammar.CheckTarget(r.Method, r.RequestURI); no != nil {
		return no
	}
	if !grammar.CheckHost(r.Host) {
		return grammar.Host
	}
	return nil
}

// fail is called instead of a response.
func fail(_ http.ResponseWriter, r *http.Request, err error) {
	exchangeOf(r).Fail(err)
}

// buffers lends the memory that response bodies are copied through.
type buffers struct{}

const bufferSize = 32 << 10

var bufferPool = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func (buffers) Get() []byte  { return bufferPool.Get().(*[bufferSize]byte)[:] }
func (buffers) Put(b []byte) { bufferPool.Put((*[bufferSize]byte)(b)) }
