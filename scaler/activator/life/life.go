// Package life leads a request through the activator: find its revision, hold
// it until a pod is free, try another pod if one takes no connection, and when
// it has ended count it, log it and trace it. What a request is on the wire is
// a Codec's; there are two, packages h1 and proxy, and nothing that is decided
// here is decided there again.
//
// It allocates nothing, takes no lock and starts no goroutine for a request
// that finds a free pod. Where a Route has several targets, short locks are
// taken to split and to count; only a copy for a mirror has a goroutine.
package life

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/inflight"
	"github.com/headway-dev/headway/scaler/activator/mirror"
	"github.com/headway-dev/headway/scaler/activator/peer"
	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/activator/stats"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
	"github.com/headway-dev/headway/scaler/activator/wire"
)

const (
	// Patience is how long a pod may take before the client is watched.
	Patience = 100 * time.Millisecond
	// StreamIdle ends a response in which no byte moves for so long. It is far
	// above the heartbeat of any server-sent events library. Upgraded
	// connections are never ended by it.
	StreamIdle = 15 * time.Minute
	// Lingering is how long a client that still sends its body has to read the
	// answer before its connection is closed.
	Lingering = 500 * time.Millisecond
	// attempts bounds how often a request looks for another pod. Waiting for one
	// is bounded by the revision's timeout; this is for pods that accept a probe
	// and refuse the request time and again.
	attempts = 10
)

var (
	// ErrUnreachable is returned by Codec.Send for a pod that took no connection.
	ErrUnreachable = errors.New("the pod takes no connection")
	// ErrIdle ends a response in which no byte moved for StreamIdle.
	ErrIdle = errors.New("no byte moved for " + StreamIdle.String())
	// ErrStopping ends a request that outlived its grace when the activator stops.
	ErrStopping = errors.New("the activator is stopping")
)

// Front is what requests from one kind of client share.
type Front struct {
	// Tables to route by.
	Tables *atomic.Pointer[table.Table]
	// Peers is true if the clients are other activators: they have resolved the
	// request, and count and log it.
	Peers bool
	// Running has every request on its way to a pod or back.
	Running *inflight.Set
	// Clients notices when a client goes away while its request waits.
	Clients *wire.Watcher
	Access  *accesslog.Log
	// Answers counts what the activator itself answers.
	Answers *stats.OwnAnswers
	// Tracer is nil if tracing is off.
	Tracer *trace.Tracer
	// Mirror takes copies of requests.
	Mirror *mirror.Mirror
	// Draining makes every response end its connection.
	Draining *atomic.Bool
	// Budget is what all requests of the process may hold.
	Budget *bounds.Budget
}

// Codec carries one request. All methods are called by the goroutine that
// serves it.
type Codec interface {
	table.Request
	// Upgrade reports whether the request asks for another protocol.
	Upgrade() bool
	// Copy is the request as a pod gets it, to be sent by somebody else; nil if
	// it is none of those that may be copied. It is called by Reach.
	Copy() *http.Request
	// Traceparent is nil if the request has none or two.
	Traceparent() []byte
	// Describe is only called for a request that is logged or traced.
	Describe() record.Incoming
	// Admit charges what the request holds of the process to its app; false if
	// the app's share has no room for it.
	Admit(app bounds.App) bool
	// Forward has the request sent by Exchange.Reach and the response delivered.
	// An error is answered by Exchange.Fail: nothing of a response was sent.
	Forward() error
	// Hold is called when a request begins to wait. ctx ends with
	// answer.ErrTimeout at the request's deadline, and when the client goes
	// away. release is called when the wait is over.
	Hold() (ctx context.Context, release func())
	// Send sends the request to the pod that the Exchange has leased.
	// ErrUnreachable: to none, try another one.
	Send() error
	// Answer sends a response of the activator's own.
	Answer(a answer.Answer)
}

// Exchange is one request on its way. The codec keeps its memory for the next.
type Exchange struct {
	// Member is the request among those that run; its Cancel ends the request.
	Member inflight.Member

	Revision *backend.Revision
	Lease    backend.Lease
	// Next are the headers for another activator; none for a pod.
	Next peer.Hop
	// Started is when the head was there, Asked when the app began to be waited
	// for.
	Started, Asked time.Time
	Trace          *trace.Request // nil: tracing is off

	// Of the response, noted by the codec.
	Status int
	Bytes  int64
	Broken bool   // the client did not get all of it
	GRPC   string // status of a gRPC call

	front             *Front
	codec             Codec
	match             table.Match
	kind              record.Kind
	timed             bool // its time to the first byte counts
	wait              stats.Wait
	hop               peer.Hop // by which the request came
	isCopy            bool     // another activator's, which waits for no pod
	leased            bool
	waited, firstByte time.Duration
	own               answer.Answer // what the activator itself has answered
	traced            trace.Request
}

// Serve leads a request through its life.
func (f *Front) Serve(x *Exchange, c Codec) {
	now := time.Now()
	*x = Exchange{Member: x.Member, front: f, codec: c, Started: now, Asked: now}
	x.beginTrace()
	defer x.finish() // also if the codec panics, which is net/http's way to cut a response short
	x.match = x.resolve()
	x.Revision = x.match.Revision
	switch {
	case x.hop.TooFar():
		x.answer(answer.TooFar)
	case !x.match.Known:
		x.answer(answer.UnknownHost(c.Host()))
	case x.Revision == nil:
		x.answer(answer.NoRevision(x.match))
	default:
		x.arrive()
		if !c.Admit(bounds.App{Namespace: x.Revision.Namespace, Name: x.Revision.App}) {
			x.Fail(answer.ErrConnections)
			return
		}
		f.Running.Enter(&x.Member, x.Revision.Timeout)
		defer f.Running.Leave(&x.Member)
		if err := c.Forward(); err != nil {
			x.Fail(err)
		}
	}
}

// resolve finds the revision: by what the client asks for, or as another
// activator has chosen.
func (x *Exchange) resolve() table.Match {
	tables := x.front.Tables.Load()
	if !x.front.Peers {
		return tables.Resolve(x.codec)
	}
	revision, _ := x.codec.Header(peer.RevisionHeader)
	hops, _ := x.codec.Header(peer.HopsHeader)
	x.hop = peer.Parse(revision, hops)
	_, x.isCopy = x.codec.Header(mirror.Header)
	return x.hop.Match(tables)
}

// Fail answers a request that could not be forwarded because of err.
func (x *Exchange) Fail(err error) { x.answer(answer.Failed(x.Revision, err)) }

func (x *Exchange) answer(a answer.Answer) {
	x.own = a
	x.codec.Answer(a)
	x.Status = a.Status // also where a gRPC client got another one
}

// Refused notes a request that was answered before it could be understood.
func (f *Front) Refused(client string, a answer.Answer) {
	f.Answers.Count(a.Reason)
	if f.Access.On() && !f.Peers {
		f.Access.Write(record.Incoming{Client: client}, record.Outcome{Status: a.Status, Own: a.Reason, Said: a.Text})
	}
}
