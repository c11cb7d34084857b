package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// countAnswers asks a URL so many times and counts the answers by their text.
func countAnswers(ctx context.Context, url string, requests int) (map[string]int, error) {
	const workers = 16
	var mu sync.Mutex
	of := map[string]int{}
	var failed error
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			web := localcluster.Browser()
			defer web.CloseIdleConnections()
			for range requests / workers {
				got, err := localcluster.Fetch(ctx, web, url)
				mu.Lock()
				if err != nil {
					failed = err
				}
				of[strings.TrimSpace(got.Body)]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return of, failed
}

// asking is an even load whose answers are counted.
type asking struct {
	stop  context.CancelFunc
	group sync.WaitGroup
	mu    sync.Mutex
	seen  asked
}

type asked struct {
	all, bad          int
	firstBad, lastBad time.Time
}

// startAsking asks url so many times a second, whatever becomes of the requests.
func startAsking(ctx context.Context, url string, perSecond int) *asking {
	ctx, stop := context.WithCancel(ctx)
	a := &asking{stop: stop}
	web := localcluster.Browser()
	a.group.Go(func() {
		defer web.CloseIdleConnections()
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		var asks sync.WaitGroup
		defer asks.Wait()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			asks.Go(func() {
				got, err := localcluster.Fetch(context.WithoutCancel(ctx), web, url)
				a.note(err == nil && got.Status == http.StatusOK)
			})
		}
	})
	return a
}

func (a *asking) note(good bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen.all++
	if good {
		return
	}
	a.seen.bad++
	a.seen.lastBad = time.Now()
	if a.seen.bad == 1 {
		a.seen.firstBad = a.seen.lastBad
	}
}

// finish ends the load and says what became of it.
func (a *asking) finish() asked {
	a.stop()
	a.group.Wait()
	return a.seen
}
