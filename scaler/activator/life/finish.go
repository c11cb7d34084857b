package life

import (
	"time"

	"github.com/headway-dev/headway/scaler/activator/record"
)

// beginTrace begins the trace of a request while tracing is on.
func (x *Exchange) beginTrace() {
	if x.front.Tracer == nil {
		return
	}
	x.traced = x.front.Tracer.Begin(x.codec.Traceparent())
	x.Trace = &x.traced
	if x.Trace.Wanted() {
		in := x.codec.Describe()
		in.Started = x.Started
		x.Trace.Start(in)
	}
}

// Answered notes that the response of the app has begun, which it was waited
// for since.
func (x *Exchange) Answered(since time.Time) {
	x.firstByte = time.Since(since)
	x.awaited()
	x.Trace.Answered()
}

// Relayed notes that the response is another activator's own.
func (x *Exchange) Relayed(reason string) { x.own.Reason = reason }

// finish counts, logs and traces a request that has ended, from one record.
func (x *Exchange) finish() {
	x.Release() // even if a fault of ours panics
	x.awaited()
	f := x.front
	o := x.outcome()
	if !f.Peers {
		if x.match.Revision != nil {
			x.leave(&o)
			x.Revision.Stats.Observe(o)
		}
		if o.Own != "" {
			f.Answers.Count(o.Own)
		}
		if f.Access.On() {
			in := x.codec.Describe()
			if parent, _, ok := x.Trace.Headers(); ok {
				in.Traceparent = string(parent)
			}
			f.Access.Write(in, o)
		}
	}
	x.Trace.End(o)
}

func (x *Exchange) outcome() record.Outcome {
	o := record.Outcome{
		Namespace: x.match.Namespace, App: x.match.App,
		Status: x.Status, Bytes: x.Bytes, Broken: x.Broken, Waited: x.waited, Took: time.Since(x.Started),
		Kind: x.kind, FirstByte: x.countedTime(), GRPC: x.GRPC,
		Own: x.own.Reason, Said: x.own.Text,
	}
	if x.Revision != nil {
		o.Revision = x.Revision.Name
	}
	if x.Lease.Pod != nil {
		o.Pod = x.Lease.Pod.Name
	}
	return o
}
