package backend

import (
	"net/http"
	"sync"
	"time"

	"github.com/headway-dev/headway/scaler/activator/list"
)

// Endpoint is what Kubernetes says of a pod.
type Endpoint struct {
	// UID of the Pod object.
	UID string
	// Name of the Pod object, for logs.
	Name string
	// Addr is host:port of the application.
	Addr string
	// Ready is the Pod's Ready condition.
	Ready bool
	// Peer is true if it is not a pod of the app but the activator that keeps
	// the revision's limit.
	Peer bool
	// Draining is true once the pod is being deleted or has ended.
	Draining bool
	// Standby is nil for a pod that was not made to wait parked.
	Standby *Standby
}

// state of a pod inside a pool.
//
//	state     takes requests  becomes
//	starting  no              open when the kubelet says Ready or a probe is answered
//	open      yes             suspect when it refuses a connection; resting when not Ready any more;
//	                          starting when it is parked again, as its container was restarted
//	suspect   no              open when a probe is answered
//	resting   no              open when the kubelet says Ready again
//	gone      no              (being deleted, or deleted)
type state uint8

const (
	starting state = iota
	open
	suspect
	resting
	gone
)

// Pod is one pod of a revision. It stays valid for those who hold a Lease of
// it after the pod has gone.
type Pod struct {
	// UID, Name and Addr are those of the Endpoint.
	UID, Name, Addr string

	// Peer is as in the Endpoint.
	Peer bool

	// linger is how long the pod may go on with a request whose client has
	// gone, and counts as busy with it; 0 where no limit holds.
	linger time.Duration

	// Guarded by Pool.mu.
	state     state
	everReady bool
	probing   bool
	inFlight  int             // those of other activators included
	foreign   int             // those of other activators
	place     list.Node[*Pod] // in loads
	wake      chan struct{}   // capacity 1; ends a pause between probes
	reachable time.Time       // it had an address since; of a parked pod: it was woken then
	parking   *parking        // nil: it was not made to wait parked

	conns      sync.Mutex // guards the rest
	idle       []idleConn // the last one was used last
	sweep      *time.Timer
	retired    bool
	plain, h2c *http.Transport
}

// after returns the state that follows from what Kubernetes says.
func (p *Pod) after(e Endpoint) state {
	switch {
	case e.Draining:
		return gone
	case e.Ready && p.state == suspect:
		return suspect // the kubelet looks once a second, the data path knows better
	case e.Ready:
		return open
	case p.everReady:
		return resting
	default:
		return p.state // starting, or open by a probe
	}
}
