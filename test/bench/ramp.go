package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

const (
	// The rate of requests grows evenly from nothing to rampTop per second.
	rampTop  = 1000
	rampTime = 20 * time.Second
	// meterApp answers /work after the time that the query says.
	meterApp = "test/e2e/testdata/meter"
)

// ramp sends a load that grows from nothing to a sleeping app whose handler
// takes 50 ms; the autoscaler has to keep up. Requests start when they are due,
// whatever becomes of those before.
func (b *bench) ramp(ctx context.Context) ([]row, error) {
	const app = "ramp"
	tree, err := b.clone(ctx, meterApp, "meter", app)
	if err != nil {
		return nil, err
	}
	if err := tree.Write("headway.yaml", "name: "+app+"\nscale: {idle: 5s, concurrency: 20, max: 5}\n"); err != nil {
		return nil, err
	}
	revision, err := b.pushNew(ctx, tree, app, "meter")
	if err != nil {
		return nil, err
	}
	if err := b.waitNoPods(ctx, revisionLabel(revision)); err != nil {
		return nil, err
	}
	web := localcluster.Browser()
	web.Transport.(*http.Transport).MaxIdleConnsPerHost = rampTop
	defer web.CloseIdleConnections()

	var (
		group  sync.WaitGroup
		took   sample
		mu     sync.Mutex
		failed []error
	)
	begin := time.Now()
	for n := range int(rampTop * rampTime.Seconds() / 2) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Until(begin.Add(due(n)))):
		}
		group.Go(func() {
			if err := drain(ctx, web, localcluster.URL(app, b.namespace)+"work?for=50ms"); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
				return
			}
			took.add(time.Since(begin.Add(due(n))))
		})
	}
	group.Wait()
	sorted := took.sorted()
	detail := map[string]any{"requests": len(sorted) + len(failed), "to per second": rampTop, "ms": distribution(sorted)}
	if len(failed) > 0 {
		detail["first error"] = failed[0].Error()
	}
	return []row{newRow("scale.ramp_errors", float64(len(failed)), detail)}, nil
}

// due is when request n of the ramp starts: the requests until t are the area
// under a rate that grows evenly.
func due(n int) time.Duration {
	growth := rampTop / rampTime.Seconds() // per second and second
	return time.Duration(math.Sqrt(2*float64(n)/growth) * float64(time.Second))
}

// drain asks a URL and reads the answer; anything but 200 is an error.
func drain(ctx context.Context, web *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return exchange(web, request, http.StatusOK)
}

// exchange sends a request and reads the answer; another status is an error.
func exchange(web *http.Client, request *http.Request, want int) error {
	response, err := web.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != want {
		return fmt.Errorf("%s answers %s", request.URL, response.Status)
	}
	return nil
}
