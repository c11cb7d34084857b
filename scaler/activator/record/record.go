// Package record is what is known of a request when it has ended. Statistics,
// access log and trace all read this one record. It holds values only.
package record

import (
	"strings"
	"time"
)

// Reasons of Outcome.Own that say whose fault it was. All others are that no pod
// was there.
const (
	Refused = "refused"  // the request could not be understood
	Stalled = "stalled"  // the client stopped sending the body
	BadBody = "bad-body" // the body was malformed
	Broken  = "broken"   // the app closed the connection, or did not speak HTTP
	Late    = "timeout"  // the app did not begin to answer in time
)

// Kind is which of a revision's sums has a request.
type Kind uint8

const (
	// Direct: by a host of the revision or a match, or a copy. Such users are no
	// random sample of all.
	Direct Kind = iota
	// Split: by weights.
	Split
	// Repeat: by weights, of a user who has had a bad answer in this trial.
	Repeat
	// Kinds is their number.
	Kinds
)

// Incoming is a request as it came.
type Incoming struct {
	Started time.Time
	Method  string
	// Target may have a query, which nothing records: it may hold secrets.
	Target string
	Host   string
	// Protocol is "HTTP/1.0", "HTTP/1.1" or "HTTP/2.0".
	Protocol string
	// Client is the address of the peer, which may be a load balancer.
	Client string
	// ForwardedFor and ForwardedProto are the headers that a load balancer
	// sets.
	ForwardedFor, ForwardedProto string
	UserAgent                    string
	// Traceparent is the one that the pod gets.
	Traceparent string
	// Tracestate is all of the client's, as one list.
	Tracestate string
}

// Path is the target without its query.
func (in Incoming) Path() string {
	path, _, _ := strings.Cut(in.Target, "?")
	return path
}

// Outcome is how a request ended.
type Outcome struct {
	// Namespace, App, Revision and Pod are empty if the request did not get so
	// far.
	Namespace, App, Revision, Pod string
	// Status is 0 if the client went away before an answer.
	Status int
	// Bytes of the response body that were sent.
	Bytes int64
	// Waited for a pod; Took in all.
	Waited, Took time.Duration
	// Kind of the request.
	Kind Kind
	// FirstByte is how long the app was waited for until it began its response,
	// the time was up or the client had gone. 0: that does not count, or the
	// app was not waited for.
	FirstByte time.Duration
	// GRPC is the app's status of a gRPC call, a number; empty: it is none.
	GRPC string
	// Broken is whether the response broke off before its end.
	Broken bool
	// Own is why the activator itself has answered, and Said what; empty: the
	// app did.
	Own, Said string
}

// GRPCFailed reports whether a status of gRPC says that the server is at fault,
// by OpenTelemetry's conventions: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
// INTERNAL, UNAVAILABLE and DATA_LOSS.
func GRPCFailed(status string) bool {
	switch status {
	case "2", "4", "12", "13", "14", "15":
		return true
	}
	return false
}
