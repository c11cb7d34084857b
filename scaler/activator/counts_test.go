package activator

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/latency"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/report"
)

// counts is what a gate reads of a revision.
type counts struct {
	Split, Repeat, Direct string // arrived and how they ended
	Timed, Times, Waiting uint64
}

func countsOf(r *backend.Revision) (c counts) {
	show := func(k record.Kind) string {
		t := r.Stats.Tally(k)
		s := strings.Repeat("*", int(t.Arrived))
		for e, n := range t.Ended {
			s += strings.Repeat(" "+endings[e], int(n))
		}
		return s
	}
	c.Split, c.Repeat, c.Direct = show(record.Split), show(record.Repeat), show(record.Direct)
	c.Timed = r.Stats.Timed()
	for _, n := range r.Stats.FirstByte.Load() {
		c.Times += n
	}
	if w := r.Stats.Waiting(); w != nil {
		for _, n := range w {
			c.Waiting += n
		}
	}
	return c
}

var endings = [report.Endings]string{"left", "1xx", "2xx", "3xx", "4xx", "5xx", "grpc", "502", "504", "503", "4xx"}

// hanging does what the field X-Do says: it answers badly, closes the connection
// or hangs; without one it answers.
func hanging(release <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch r.Header.Get("X-Do") {
		case "bad":
			w.WriteHeader(http.StatusInternalServerError)
		case "cut":
			panic(http.ErrAbortHandler)
		case "hang":
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}
	})
}

// TestCountsForGates checks on every route what is counted of one request of a
// user of the candidate: a time for each that the app had, also where it ended
// without a first byte.
func TestCountsForGates(t *testing.T) {
	for _, tc := range []struct {
		name   string
		does   string
		leaves bool
		want   counts
	}{
		{"answered", "", false, counts{Split: "* 2xx", Timed: 1, Times: 1}},
		{"answered badly", "bad", false, counts{Split: "* 5xx", Timed: 1, Times: 1}},
		{"cut", "cut", false, counts{Split: "* 502", Timed: 1}},
		{"hangs until the time is up", "hang", false, counts{Split: "* 504", Timed: 1, Times: 1}},
		{"hangs until its client leaves", "hang", true, counts{Split: "* left", Timed: 1, Times: 1}},
	} {
		release := make(chan struct{})
		for _, route := range []string{"hot", "net/http", "h2c"} {
			t.Run(tc.name+"/"+route, func(t *testing.T) {
				timeout := 10 * time.Second
				if tc.does == "hang" && !tc.leaves {
					timeout = 300 * time.Millisecond
				}
				c := newTimedCanary(t, timeout, text("stable"), hanging(release), nil)
				client := map[string]*http.Client{"hot": c.client(false), "net/http": c.handedOver(), "h2c": c.client(true)}[route]
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+appHost, strings.NewReader("x"))
				req.Header.Set("X-User", c.user(c.next, 0))
				req.Header.Set("X-Do", tc.does)
				done := make(chan struct{})
				go func() {
					defer close(done)
					if resp, err := client.Do(req); err == nil {
						_, _ = io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				}()
				if tc.does == "hang" {
					eventually(t, "it is seen to wait", func() bool { return countsOf(c.next).Waiting == 1 })
				}
				if tc.leaves {
					leave()
				}
				<-done
				eventually(t, "it has ended", func() bool { return c.server.running.Len() == 0 })
				if diff := cmp.Diff(tc.want, countsOf(c.next)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if tc.does == "hang" && !tc.leaves {
					if times := c.next.Stats.FirstByte.Load(); times[latency.Bucket(c.next.Timeout)]+times[latency.Bucket(c.next.Timeout)+1]+times[latency.Bucket(c.next.Timeout)+2] != 1 {
						t.Errorf("a request that had %s has no such time: %v", c.next.Timeout, times)
					}
				}
			})
		}
		close(release)
	}
}

// TestWhatCountsWhere checks users who come again, hosts of revisions, upgrades
// and requests that no pod has.
func TestWhatCountsWhere(t *testing.T) {
	c := newCanary(t, text("stable"), hanging(nil), func(r *table.Route) { r.RevisionHosts = map[string]string{"next.localhost": "shop-5e6f7081"} })
	client := c.client(false)
	first, second := c.user(c.next, 0), c.user(c.next, 1)
	ask(t, client, "GET", nil, "X-User", first)
	ask(t, client, "GET", nil, "X-User", first)
	ask(t, client, "GET", nil, "X-User", first, "X-Do", "bad")
	ask(t, client, "GET", nil, "X-User", first, "X-Do", "bad")
	ask(t, client, "GET", nil, "X-User", first)
	ask(t, client, "GET", nil, "X-User", second, "Connection", "Upgrade", "Upgrade", "nothing-known")
	if resp, err := client.Get("http://next.localhost/"); err != nil {
		t.Fatal(err)
	} else {
		resp.Body.Close()
	}
	eventually(t, "all have ended", func() bool { return c.server.running.Len() == 0 })
	want := counts{Split: "**** 2xx 2xx 2xx 5xx", Repeat: "** 2xx 5xx", Direct: "* 2xx", Timed: 1, Times: 1}
	if diff := cmp.Diff(want, countsOf(c.next)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(counts{}, countsOf(c.rev)); diff != "" {
		t.Errorf("the other revision (-want +got):\n%s", diff)
	}
}

// TestASlowUploadIsNotWaitedFor: while the client sends, it is not the candidate
// that is slow.
func TestASlowUploadIsNotWaitedFor(t *testing.T) {
	came, release := make(chan struct{}), make(chan struct{})
	c := newCanary(t, text("stable"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, len("half")))
		close(came)
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	}), nil)
	answer := sync.OnceFunc(func() { close(release) })
	defer answer()
	body, pipe := io.Pipe()
	defer pipe.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ask(t, c.client(false), "POST", body, "X-User", c.user(c.next, 0))
	}()
	_, _ = pipe.Write([]byte("half"))
	<-came
	eventually(t, "the client is waited for", func() bool { return countsOf(c.next).Waiting == 0 })
	pipe.Close()
	eventually(t, "the pod is waited for", func() bool { return countsOf(c.next).Waiting == 1 })
	answer()
	<-done
}
