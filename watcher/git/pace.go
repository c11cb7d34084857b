package git

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// The least throughput of a download, in the manner of Git's http.lowSpeedLimit
// and http.lowSpeedTime. Servers think before they send: git's own counts the
// objects of a large repository, and sends nothing of the pack meanwhile.
const (
	// paceBytes have to come in each paceTime, from the first byte on.
	paceBytes = 32 << 10
	paceTime  = 30 * time.Second
	// paceFirst is how long the first byte may take, a multiple of paceTime.
	paceFirst = 2 * time.Minute
)

// slowError: a server sends less than it has to.
type slowError struct{ got int64 }

func (e *slowError) Error() string { return fmt.Sprintf("%d bytes came so far", e.got) }

// pace counts what a download brings, and ends one that drips: without it a
// server that sends a byte a second keeps a look busy for all of FetchTimeout.
type pace struct{ n atomic.Int64 }

// paced gives a context for a download that ends, with a *slowError, where p
// counts too little. It has to be canceled when the download is over.
func paced(ctx context.Context) (*pace, context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pace{}
	go p.watch(ctx, cancel)
	return p, ctx, func() { cancel(context.Canceled) }
}

func (p *pace) watch(ctx context.Context, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(paceTime)
	defer ticker.Stop()
	var before int64
	for waited := paceTime; ; waited += paceTime {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		n := p.n.Load()
		if drips(before, n, waited) {
			cancel(&slowError{n})
			return
		}
		before = n
	}
}

// drips reports whether too few bytes have come: there were so many before the
// last paceTime, and there are so many now, when the download has taken waited.
func drips(before, n int64, waited time.Duration) bool {
	switch {
	case n == 0:
		return waited >= paceFirst
	case before == 0: // they began to come in this time
		return false
	}
	return n-before < paceBytes
}

// of counts what is read from r.
func (p *pace) of(r io.Reader) io.Reader { return counted{r, p} }

type counted struct {
	io.Reader
	pace *pace
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.pace.n.Add(int64(n))
	return n, err
}

// tooSlow is what a person reads of it.
func tooSlow(host string, slow *slowError) *Error {
	return failure(v1alpha1.ReasonUnreachable, "%s sends too slowly: less than %s in %.0f s, or nothing for %.0f s; check the server and the network to it. It is asked again by itself", host,
		size(paceBytes), paceTime.Seconds(), paceFirst.Seconds()).because(slow)
}
