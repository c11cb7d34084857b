package trace

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/headway-dev/headway/scaler/activator/record"
)

// Request is the trace of one request. All methods of a nil Request do
// nothing: tracing is off. It is used by one goroutine at a time.
type Request struct {
	tracer *Tracer
	from   parent // the caller's span, if told
	told   bool
	id     oteltrace.TraceID

	span  oteltrace.Span // nil: the request is not recorded
	ended bool

	// What the pod gets instead of the client's headers.
	replaces bool
	header   [headerLen]byte
	state    string
}

// Begin decides whether a request is recorded. given is its traceparent
// header, nil if it has none or two. If Wanted reports so, Start must follow.
//
// A request that is not recorded keeps the traceparent that it came with. If
// it has no valid one, it gets one that tells the app not to record either.
func (t *Tracer) Begin(given []byte) Request {
	r := Request{tracer: t}
	if r.from, r.told = parse(given); r.told {
		r.id = r.from.trace
	} else {
		r.id = newTraceID()
	}
	if !r.Wanted() && !r.told {
		r.tell(parent{trace: r.id, span: newSpanID()})
	}
	return r
}

// Wanted reports whether the request shall be recorded.
func (r *Request) Wanted() bool {
	return r != nil && r.tracer.sampler.records(r.id, r.from, r.told)
}

// Start begins to record.
func (r *Request) Start(in record.Incoming) {
	state := in.Tracestate
	ctx := context.Background()
	if !r.told {
		ctx = context.WithValue(ctx, idKey{}, r.id)
	} else {
		parsed, err := oteltrace.ParseTraceState(state)
		if err == nil && len(state) <= maxState {
			r.state = state
		}
		ctx = oteltrace.ContextWithRemoteSpanContext(ctx, oteltrace.NewSpanContext(oteltrace.SpanContextConfig{
			TraceID: r.id, SpanID: r.from.span, TraceFlags: flags(r.from), TraceState: parsed, Remote: true,
		}))
	}
	_, r.span = r.tracer.tracer.Start(ctx, nameOf(in), oteltrace.WithSpanKind(oteltrace.SpanKindServer),
		oteltrace.WithTimestamp(in.Started), oteltrace.WithAttributes(describe(in)...))
	r.tell(parent{trace: r.id, span: r.span.SpanContext().SpanID(), sampled: true})
}

func flags(p parent) oteltrace.TraceFlags {
	return oteltrace.TraceFlags(0).WithSampled(p.sampled)
}

func (r *Request) tell(p parent) {
	r.replaces = true
	p.write(&r.header)
}

// Recorded reports whether the request is recorded.
func (r *Request) Recorded() bool { return r != nil && r.span != nil }

// Headers are the traceparent and tracestate for the pod. ok is false if it
// gets those of the client, as they came. They are valid until the next
// request begins; state may be empty.
func (r *Request) Headers() (traceparent []byte, state string, ok bool) {
	if r == nil || !r.replaces {
		return nil, "", false
	}
	return r.header[:], r.state, true
}

// Waited adds a span for the time in which the request waited for a pod. cold
// is whether no pod was open when it began to wait.
func (r *Request) Waited(since time.Time, cold bool, err error) {
	if !r.Recorded() {
		return
	}
	ctx := oteltrace.ContextWithSpan(context.Background(), r.span)
	_, wait := r.tracer.tracer.Start(ctx, "wait for a pod", oteltrace.WithTimestamp(since),
		oteltrace.WithAttributes(coldStartKey.Bool(cold)))
	if err != nil {
		wait.SetStatus(codes.Error, err.Error())
	}
	wait.End()
	if cold {
		r.span.SetAttributes(coldStartKey.Bool(true))
	}
}

// Sent notes that the request goes to a pod, or to the activator that keeps
// the revision's limit. More than once: the pods before took no connection.
func (r *Request) Sent(pod string, keeper bool) {
	if !r.Recorded() {
		return
	}
	key := podKey
	if keeper {
		key = keeperKey
	}
	r.span.AddEvent("sent", oteltrace.WithAttributes(key.String(pod)))
	r.span.SetAttributes(key.String(pod))
}

// Answered notes that the response has begun.
func (r *Request) Answered() {
	if r.Recorded() {
		r.span.AddEvent("response")
	}
}

// GRPC notes the code that a gRPC call ended with.
func (r *Request) GRPC(status string) {
	if !r.Recorded() || status == "" {
		return
	}
	name, ours := grpcCode(status)
	r.span.SetAttributes(semconv.RPCSystemNameGRPC, semconv.RPCResponseStatusCode(name))
	if ours {
		r.span.SetAttributes(semconv.ErrorTypeKey.String(name))
		r.span.SetStatus(codes.Error, "")
	}
}

// End ends the span. A second call does nothing.
func (r *Request) End(o record.Outcome) {
	if !r.Recorded() || r.ended {
		return
	}
	r.ended = true
	r.span.SetAttributes(outcome(o)...)
	switch {
	case o.Status >= 500:
		r.span.SetStatus(codes.Error, firstLine(o.Said))
	case o.Broken:
		r.span.SetStatus(codes.Error, "the response broke off")
	}
	r.span.End()
}
