package git

import (
	"context"
	"io"

	"golang.org/x/sync/semaphore"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// An advertisement is in memory from the moment it is read to the end of its look,
// at four times its size. Every look may have fewRefs of it, some 3,000 refs; one at
// a time may have more, up to Limits.RefsBytes.
const fewRefs = 256 << 10

// crowd lets one session at a time have very many refs.
type crowd struct{ *semaphore.Weighted }

func newCrowd() crowd { return crowd{semaphore.NewWeighted(1)} }

// place is that of one session, which leaves it at its end.
type place struct {
	crowd crowd
	taken bool
}

func (p *place) leave() {
	if p.taken {
		p.crowd.Release(1)
		p.taken = false
	}
}

type placeKey struct{}

// withPlace has what is advertised in ctx counted for a session.
func withPlace(ctx context.Context, p *place) context.Context {
	return context.WithValue(ctx, placeKey{}, p)
}

// advertised reads an advertisement that is counted, if any is in ctx.
func advertised(ctx context.Context, r io.Reader) io.Reader {
	if p, ok := ctx.Value(placeKey{}).(*place); ok {
		return &counting{ctx: ctx, r: r, place: p}
	}
	return r
}

// counting waits, where there are many refs, until no other session has.
type counting struct {
	ctx   context.Context
	r     io.Reader
	place *place
	n     int64
}

func (c *counting) Read(b []byte) (int, error) {
	if c.n > fewRefs && !c.place.taken {
		if err := c.place.crowd.Acquire(c.ctx, 1); err != nil {
			return 0, failure(v1alpha1.ReasonWaitingForSlot, "waiting for a fetch slot: it has very many refs, and so has another repository that is being looked at; it is tried again by itself")
		}
		c.place.taken = true
	}
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
