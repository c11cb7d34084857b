package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/grammar"
	"github.com/headway-dev/headway/scaler/activator/inflight"
	"github.com/headway-dev/headway/scaler/activator/peer"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

// Handler is the activator's whole way from a request to its response.
type Handler struct {
	tables  *atomic.Pointer[table.Table]
	tracer  *trace.Tracer // nil: tracing is off
	log     *accesslog.Log
	running *inflight.Set
	clients *wire.Watcher
	peers   bool
	ahead   atomic.Int64 // bytes that were read of bodies whose requests wait
	reverse httputil.ReverseProxy
	grpc    httputil.ReverseProxy
}

// New makes a Handler that follows tables. peers is true if the clients are
// other activators.
func New(tables *atomic.Pointer[table.Table], tracer *trace.Tracer, log *accesslog.Log, running *inflight.Set, clients *wire.Watcher, errors *slog.Logger, peers bool) *Handler {
	h := &Handler{tables: tables, tracer: tracer, log: log, running: running, clients: clients, peers: peers}
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

// exchange is one request on its way. It travels in the request's context.
type exchange struct {
	rev     *backend.Revision
	started time.Time
	waited  time.Duration
	pod     string
	body    *incoming // nil if the request has none
	peers   bool      // the client is another activator
	hop     peer.Hop  // by which the request came
	trace   *trace.Request
	said    string // what the activator itself has answered
	match   func() table.Match
	client  *leaving
	clock   *clock
	end     context.CancelCauseFunc // ends it, for a reason
}

// answer sends a response of our own. It counts with the status that it has
// over HTTP, also where a gRPC client gets another.
func (x *exchange) answer(w *recorder, r *http.Request, a answer.Answer) {
	x.said = a.Text
	if answer.IsGRPC(r.Header.Get("Content-Type")) {
		x.trace.GRPC(a.GRPCStatus())
	}
	a.Write(w, r)
	w.status = a.Status
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

// deny answers a request that goes to no pod.
func (x *exchange) deny(rec *recorder, r *http.Request, a answer.Answer) {
	rec.body.skip()
	x.answer(rec, r, a)
}

type exchangeKey struct{}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	x := &exchange{started: started, peers: h.peers, trace: h.beginTrace(r, started), body: newIncoming(w, r, &h.ahead)}
	rec := &recorder{ResponseWriter: w, request: r}
	if r.ProtoMajor == 1 {
		// An app may answer while the request's body is still on its way.
		_ = http.NewResponseController(w).EnableFullDuplex() // only HTTP/1 needs and knows it
		rec.body = x.body
	}
	defer x.body.end()
	x.match = func() table.Match { return h.match(r, x) }
	match := x.match()
	x.rev = match.Revision
	no := refusal(r)
	switch {
	case no != nil:
		match.Revision = nil
		x.answer(rec, r, answer.Refused(no))
	case x.hop.TooFar():
		match.Revision = nil
		x.deny(rec, r, answer.TooFar)
	case !match.Known:
		x.deny(rec, r, answer.UnknownHost(r.Host))
	case match.Revision == nil:
		x.deny(rec, r, answer.NoRevision(match))
	case !h.peers:
		// Even if the copy to the client breaks off by a panic, which is
		// net/http's way to cut a response short, the request is counted.
		defer func() {
			x.rev.Stats.Observe(rec.status, time.Since(started))
			if x.pod != "" {
				x.rev.Stats.Ended(rec.status)
			}
		}()
	}
	defer func() {
		if h.log.On() && !h.peers {
			h.log.Write(entry(r, rec, x, match))
		}
	}()
	broken := true
	defer func() { x.endTrace(rec, match, broken) }()
	if match.Revision != nil {
		h.forward(rec, r, x)
	}
	broken = false
	if rec.status == answer.ClientGone {
		panic(http.ErrAbortHandler) // net/http would make up a response
	}
}

// match finds the revision: by the host, or as another activator has chosen.
func (h *Handler) match(r *http.Request, x *exchange) table.Match {
	tables := h.tables.Load()
	if !h.peers {
		return tables.Resolve(r.Host)
	}
	x.hop = peer.Parse(r.Header.Get(peer.RevisionHeader), r.Header.Get(peer.HopsHeader))
	return x.hop.Match(tables)
}

func (h *Handler) forward(w *recorder, r *http.Request, x *exchange) {
	ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), exchangeKey{}, x))
	defer cancel(nil)
	x.end = func(cause error) { cancel(cause); x.body.interrupt() }
	x.client = newLeaving(h.clients, r, func() { x.end(context.Canceled) })
	defer x.client.stop()
	member := &inflight.Member{Cancel: func() { x.end(errDrained) }}
	h.running.Enter(member, x.rev.Timeout)
	defer h.running.Leave(member)
	r = r.WithContext(ctx)
	if x.body != nil {
		r.Body = x.body
	}
	whole := false
	defer func() {
		if !whole && w.status != http.StatusSwitchingProtocols {
			// The response broke off. Its head is still to be sent, or the
			// client could not tell this from an activator that failed.
			_ = http.NewResponseController(w).Flush()
		}
	}()
	if isGRPC(r) {
		h.grpc.ServeHTTP(w, r)
	} else {
		h.reverse.ServeHTTP(w, r)
	}
	whole = true
}

// errDrained ends a request that outlived its grace when the activator stops.
var errDrained = errors.New("the activator is stopping")

// fail is called instead of a response.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	x.answer(w.(*recorder), r, answer.Failed(x.rev, err))
}

// entry describes a finished request.
func entry(r *http.Request, rec *recorder, x *exchange, m table.Match) accesslog.Entry {
	e := accesslog.Entry{
		Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), Protocol: r.Proto, Client: r.RemoteAddr,
		Namespace: m.Namespace, App: m.App, Pod: x.pod,
		Status: rec.status, Bytes: rec.bytes, Waited: x.waited, Took: time.Since(x.started),
		UserAgent: r.UserAgent(), Traceparent: r.Header.Get("Traceparent"),
	}
	if x.rev != nil {
		e.Revision = x.rev.Name
	}
	if parent, _, ok := x.trace.Headers(); ok {
		e.Traceparent = string(parent)
	}
	return e
}

// buffers lends the memory that response bodies are copied through.
type buffers struct{}

const bufferSize = 32 << 10

var bufferPool = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func (buffers) Get() []byte  { return bufferPool.Get().(*[bufferSize]byte)[:] }
func (buffers) Put(b []byte) { bufferPool.Put((*[bufferSize]byte)(b)) }
