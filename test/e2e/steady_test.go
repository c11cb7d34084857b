//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// steady sends requests at a constant rate, and counts the answers by the commit
// that they name.
type steady struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu  sync.Mutex
	sum tally
}

// tally is what became of requests so far.
type tally struct {
	all, failed int
	of          map[string]int       // by the commit in the answer
	until       map[string]time.Time // when the last one of these was asked for
	last        error                // of those that failed
}

// clients is how many send the requests, each one after the other on a connection
// that it keeps. One whose request hangs sends no other meanwhile.
const clients = 100

func newSteady() *steady {
	return &steady{sum: tally{of: map[string]int{}, until: map[string]time.Time{}}}
}

// startSteady asks url rate times a second until finish.
func startSteady(t *testing.T, url string, rate int) *steady {
	ctx, stop := context.WithCancel(t.Context())
	s := newSteady()
	s.stop = stop
	begin, pause := time.Now(), clients*time.Second/time.Duration(rate)
	for i := range clients {
		s.done.Go(func() {
			web := localcluster.Browser()
			defer web.CloseIdleConnections()
			next := begin.Add(time.Duration(i) * pause / clients)
			for ctx.Err() == nil {
				time.Sleep(time.Until(next))
				s.ask(web, url)
				for next = next.Add(pause); time.Until(next) < -pause; {
					next = next.Add(pause) // what it could not send in time is left out
				}
			}
		})
	}
	t.Cleanup(stop)
	return s
}

func (s *steady) ask(web *http.Client, url string) {
	at := time.Now()
	got, err := localcluster.Fetch(context.Background(), web, url)
	if err == nil && got.Status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", got.Status, got.Body)
	}
	if err != nil {
		err = fmt.Errorf("at %s, after %s: %w", at.Format("15:04:05.000"), time.Since(at).Round(time.Millisecond), err)
	}
	s.note(strings.TrimSpace(got.Body), at, err)
}

func (s *steady) note(commit string, at time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.all++
	if err != nil {
		s.sum.failed++
		s.sum.last = err
	}
	s.sum.of[commit]++
	if at.After(s.sum.until[commit]) {
		s.sum.until[commit] = at
	}
}

// count is what became of the requests that have ended.
func (s *steady) count() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.sum
	now.of, now.until = maps.Clone(s.sum.of), maps.Clone(s.sum.until)
	return now
}

func (s *steady) finish() tally {
	s.stop()
	s.done.Wait()
	return s.sum
}
