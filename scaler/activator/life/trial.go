package life

import (
	"context"
	"net/http"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/activator/stats"
)

// arrive counts the request for the revision that was found. What another
// activator has sent on is counted there.
func (x *Exchange) arrive() {
	if x.front.Peers {
		return
	}
	x.kind, x.timed = record.Direct, false
	if x.match.Split {
		counted, timed := x.match.Place.Arrive()
		x.kind, x.timed = record.Split, timed && !x.codec.Upgrade()
		if !counted {
			x.kind = record.Repeat
		}
	}
	x.Revision.Stats.Arrived(x.kind, x.timed)
}

// leave ends the request's place in the trial. A bad answer that is not the
// first of its user does not count.
func (x *Exchange) leave(o *record.Outcome) {
	if counted := x.match.Place.Leave(stats.Bad(*o)); !counted {
		o.Kind = record.Repeat
	}
}

// elsewhere is how a request that was sent back to the table waits on: for the
// revision that this names now, or in its old place.
func (x *Exchange) elsewhere() func(context.Context) (backend.Lease, error) {
	x.match.Place.Settle(false) // or it could stand in its own way
	next, before := x.resolve(), x.Revision
	wait := backend.Elsewhere(&x.Revision, next.Revision)
	if x.Revision == before {
		x.match.Place = next.Place
		return wait
	}
	x.match = next
	x.arrive()
	return wait
}

// await is when the request goes to a pod.
func (x *Exchange) await() {
	if !x.timed {
		return
	}
	x.wait.Begin(x.Asked)
	if x.match.Trial {
		x.Revision.Stats.Show(&x.wait)
	}
}

// awaited is when no pod has the request any more, or its response has begun.
func (x *Exchange) awaited() { x.wait.Leave() }

// Wait is for a codec that knows better than Asked whose turn it is.
func (x *Exchange) Wait() *stats.Wait { return &x.wait }

// countedTime is the time to the first byte if it counts, else 0. One who left
// before it came, or for whom it came too late, has waited at least so long.
func (x *Exchange) countedTime() time.Duration {
	switch {
	case !x.timed:
		return 0
	case x.firstByte > 0 && (x.own.Reason == "" || x.own.Reason == record.Late):
		return x.firstByte
	case x.Status == 0, x.own.Reason == record.Late:
		return x.wait.Age()
	}
	return 0
}

// Certain notes the status of a response after which nothing can make its
// answer a bad one.
func (x *Exchange) Certain(status int) {
	if status < http.StatusInternalServerError {
		x.match.Place.Settle(false)
	}
}

// NewCookie is the Set-Cookie field for a user without the activator's cookie;
// empty: there is none to set. A response in which the app sets one of that name
// (table.SetsSticky) stays as it is.
func (x *Exchange) NewCookie() string { return x.match.Cookie }
