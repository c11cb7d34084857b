//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// load sends requests at a constant rate, whatever becomes of them, half of
// them on connections of their own.
type load struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex
	answers []timed
	failed  []error
}

// timed is an answer and when it was asked for.
type timed struct {
	localcluster.Answer
	at time.Time
}

// startLoad asks url rate times per second until finish.
func startLoad(t *testing.T, url string, rate int) *load {
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	kept := localcluster.Browser()
	l.done.Go(func() {
		defer kept.CloseIdleConnections()
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			l.done.Go(func() {
				web := kept
				if n%2 == 1 {
					web = localcluster.Browser()
					defer web.CloseIdleConnections()
				}
				l.ask(web, url)
			})
		}
	})
	t.Cleanup(stop)
	return l
}

// startHundred asks url a hundred times at once, each on a connection of its own.
func startHundred(url string) *load {
	l := &load{stop: func() {}}
	for range 100 {
		l.done.Go(func() {
			web := localcluster.Browser()
			defer web.CloseIdleConnections()
			l.ask(web, url)
		})
	}
	return l
}

// startCrowd has so many people ask url again and again, each on a connection
// of their own that they keep, until finish.
func startCrowd(t *testing.T, url string, people int) *load {
	return startCrowdAt(t, "", url, people)
}

// startCrowdAt is a crowd that goes to one address, "" for where the host is.
func startCrowdAt(t *testing.T, address, url string, people int) *load {
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop}
	for range people {
		l.done.Go(func() {
			web := localcluster.BrowserAt(address)
			defer web.CloseIdleConnections()
			for ctx.Err() == nil {
				l.ask(web, url)
			}
		})
	}
	t.Cleanup(stop)
	return l
}

func (l *load) ask(web *http.Client, url string) {
	at := time.Now()
	got, err := localcluster.Fetch(context.Background(), web, url)
	if err == nil && got.Status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", got.Status, got.Body)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, fmt.Errorf("at %s: %w", at.Format("15:04:05.000"), err))
		return
	}
	l.answers = append(l.answers, timed{got, at})
}

// wantNoneFailed ends the load and fails the test if a request failed.
func (l *load) wantNoneFailed(t *testing.T) []timed {
	t.Helper()
	answers, failed := l.finish()
	for i, err := range failed {
		if i == 10 {
			break
		}
		t.Errorf("request failed: %v", err)
	}
	t.Logf("%d requests, %d failed", len(answers)+len(failed), len(failed))
	if len(failed) > 0 {
		t.Errorf("%d of %d requests failed", len(failed), len(answers)+len(failed))
	}
	return answers
}

// finish waits for the requests in flight.
func (l *load) finish() (answers []timed, failed []error) {
	l.stop()
	l.done.Wait()
	return l.answers, l.failed
}
