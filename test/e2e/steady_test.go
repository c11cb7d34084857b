//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// steady sends requests at a constant rate over kept connections, and counts the
// answers by the commit that they name.
type steady struct {
	stop context.CancelFunc
	done sync.WaitGroup

	mu  sync.Mutex
	sum tally
}

// tally is what became of requests so far.
type tally struct {
	all, failed int
	of          map[string]int // by the commit in the answer
	last        error          // of those that failed
}

// startSteady asks url rate times a second until finish.
func startSteady(t *testing.T, url string, rate int) *steady {
	ctx, stop := context.WithCancel(t.Context())
	s := &steady{stop: stop, sum: tally{of: map[string]int{}}}
	web := localcluster.Browser()
	s.done.Go(func() {
		defer web.CloseIdleConnections()
		begin := time.Now()
		for n := 0; ctx.Err() == nil; n++ {
			time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / time.Duration(rate))))
			s.done.Go(func() {
				got, err := localcluster.Fetch(context.Background(), web, url)
				if err == nil && got.Status != 200 {
					err = fmt.Errorf("status %d: %s", got.Status, got.Body)
				}
				s.note(strings.TrimSpace(got.Body), err)
			})
		}
	})
	t.Cleanup(stop)
	return s
}

func (s *steady) note(commit string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.all++
	if err != nil {
		s.sum.failed++
		s.sum.last = err
	}
	s.sum.of[commit]++
}

// count is what became of the requests that have ended.
func (s *steady) count() tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.sum
	now.of = maps.Clone(s.sum.of)
	return now
}

func (s *steady) finish() tally {
	s.stop()
	s.done.Wait()
	return s.sum
}
