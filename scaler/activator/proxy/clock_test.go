package proxy

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/stats"
)

func TestClock(t *testing.T) {
	const app, client = 5 * time.Second, 30 * time.Second
	for _, c := range []struct {
		name  string
		turns func(*clock)
		after time.Duration // since the last turn
		late  error
	}{
		{"app says nothing", func(*clock) {}, app, answer.ErrTimeout},
		{"client stalls", func(c *clock) { c.clientsTurn() }, client, answer.ErrStalled},
		{"app says nothing to a slow upload", func(c *clock) {
			for range 100 {
				c.clientsTurn()
				time.Sleep(client - 1)
				c.appsTurn()
			}
		}, app, answer.ErrTimeout},
		{"client stalls after an app that takes its time", func(c *clock) {
			for range 100 {
				c.appsTurn()
				time.Sleep(app - 1)
				c.clientsTurn()
			}
		}, client, answer.ErrStalled},
		{"answered", func(c *clock) {
			if !c.stop() || c.stop() {
				panic("stop does not tell whether the clock ran")
			}
			c.clientsTurn()
		}, time.Hour, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				expired := make(chan error, 2)
				clock := startClock(backend.NewRevision(backend.Settings{Timeout: app, Stall: client}, backend.Hooks{}), &stats.Wait{}, func(err error) { expired <- err })
				c.turns(clock)
				time.Sleep(c.after - time.Nanosecond)
				synctest.Wait()
				if len(expired) > 0 {
					t.Fatalf("%v, too early", <-expired)
				}
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				close(expired)
				if late, again := <-expired, <-expired; !errors.Is(late, c.late) || again != nil {
					t.Errorf("got %v and %v, want %v", late, again, c.late)
				}
				if clock.stop() && c.late != nil {
					t.Error("still runs")
				}
			})
		})
	}
}
