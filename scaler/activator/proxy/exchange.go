package proxy

import (
	"context"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/life"
	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// exchange is one request on its way, a life.Codec. It travels in the request's
// context.
type exchange struct {
	life.Exchange
	handler *Handler
	w       *recorder
	in      *http.Request // as it came
	out     *http.Request // for the pod
	body    *incoming     // nil if the request has none
	client  *departure
	clock   *clock
	end     context.CancelCauseFunc // ends it, for a reason

	// What it is charged for itself, over HTTP/2.
	admitted bool
	app      bounds.App

	// What Send has got.
	resp *http.Response
	pod  *held
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	return r.Context().Value(exchangeKey{}).(*exchange)
}

// Host is that of the request.
func (x *exchange) Host() string { return x.in.Host }

// Method is that of the request.
func (x *exchange) Method() string { return x.in.Method }

// Header returns the first value of a field, and whether there is one.
func (x *exchange) Header(name string) (value string, ok bool) {
	if values := x.in.Header.Values(name); len(values) > 0 {
		return values[0], true
	}
	return "", false
}

// Cookie returns the value of the first cookie with a name.
func (x *exchange) Cookie(name string) (value string, ok bool) {
	for _, field := range x.in.Header["Cookie"] {
		if value, ok := table.Cookie(field, name); ok {
			return value, true
		}
	}
	return "", false
}

// Upgrade reports whether the request asks for another protocol.
func (x *exchange) Upgrade() bool { return len(x.in.Header["Upgrade"]) > 0 }

// Traceparent is nil if the request has none or two.
func (x *exchange) Traceparent() []byte {
	if parents := x.in.Header["Traceparent"]; len(parents) == 1 {
		return []byte(parents[0])
	}
	return nil
}

// Describe is for requests that are logged or traced.
func (x *exchange) Describe() record.Incoming {
	r := x.in
	return record.Incoming{
		Method: r.Method, Target: r.URL.EscapedPath(), Host: r.Host, Protocol: r.Proto, Client: r.RemoteAddr,
		ForwardedFor: r.Header.Get("X-Forwarded-For"), ForwardedProto: r.Header.Get("X-Forwarded-Proto"),
		UserAgent: r.UserAgent(), Traceparent: r.Header.Get("Traceparent"), Tracestate: strings.Join(r.Header["Tracestate"], ","),
	}
}

// Forward sends the request to a pod and the response back. Errors are answered
// on the way, by fail.
func (x *exchange) Forward() error {
	ctx, cancel := context.WithCancelCause(context.WithValue(x.in.Context(), exchangeKey{}, x))
	defer cancel(nil)
	x.end = func(cause error) { cancel(cause); x.body.interrupt() }
	x.client = newDeparture(x.handler.front.Clients, x.in, func() { x.end(context.Canceled) })
	defer x.client.stop()
	r := x.in.WithContext(ctx)
	if x.body != nil {
		r.Body = x.body
	}
	x.Broken = true // unless ServeHTTP returns: net/http cuts a response short by a panic
	defer func() {
		if x.Broken && x.Status != http.StatusSwitchingProtocols {
			// Its head is still to be sent, or the client could not tell this
			// from an activator that failed.
			_ = http.NewResponseController(x.w).Flush()
		}
	}()
	if isGRPC(r) {
		x.handler.grpc.ServeHTTP(x.w, r)
	} else {
		x.handler.reverse.ServeHTTP(x.w, r)
	}
	x.Broken = false
	return nil
}

// Hold watches the client while the request waits.
func (x *exchange) Hold() (context.Context, func()) {
	x.client.start()
	x.body.wait()
	return x.out.Context(), func() {}
}

// Answer sends a response of our own.
func (x *exchange) Answer(a answer.Answer) {
	if x.out == nil {
		x.w.body.skip() // nobody wants it
	}
	if answer.IsGRPC(x.in.Header.Get("Content-Type")) {
		x.Trace.GRPC(a.GRPCStatus())
	}
	a.Write(x.w, x.in)
}
