package report

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/headway-dev/headway/scaler/decide"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReportsArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := startAutoscaler()
		defer server.http.Close()
		c := &counters{}
		c.set(Sample{Key: shop, InFlight: 2, Requests: 50, Busy: time.Hour})
		_, stop := run(t, c, one("10.0.0.1"), func(string) *network { return server.network })
		defer stop()
		synctest.Wait()
		opened := time.Now()
		want := []decide.Report{{Stream: "activator-1#1", At: opened, InFlight: 2}}
		if diff := cmp.Diff(want, server.Reports(shop)); diff != "" {
			t.Error(diff)
		}

		c.set(Sample{
			Key: shop, InFlight: 3, Queued: 1, Requests: 52, Busy: time.Hour + time.Second,
			Pods: []Pod{{Name: "x", InFlight: 2}, {Name: "y", InFlight: 1}},
		})
		time.Sleep(decide.Cadence)
		synctest.Wait()
		want = []decide.Report{{Stream: "activator-1#1", At: opened.Add(decide.Cadence), InFlight: 3, Queued: 1, Requests: 2, Busy: time.Second}}
		if diff := cmp.Diff(want, server.Reports(shop)); diff != "" {
			t.Error(diff)
		}

		if diff := cmp.Diff(map[string]int{"x": 2, "y": 1}, server.PodLoads(shop)); diff != "" {
			t.Error(diff)
		}

		// An idle activator is heard of, but names nothing.
		c.set(Sample{Key: shop, Requests: 52, Busy: time.Hour + time.Second})
		time.Sleep(decide.Cadence)
		synctest.Wait()
		before := server.changes()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := server.changes(); got != before {
			t.Errorf("%d revisions were named while nothing happened", got-before)
		}
		if at := server.Reports(shop)[0].At; time.Since(at) > decide.Cadence {
			t.Errorf("last heard of %s ago", time.Since(at))
		}
	})
}

// TestMeasured checks that sums go on where a stream ends and another begins, and
// are forgotten with the revision.
func TestMeasured(t *testing.T) {
	server := &Server{Changed: func(Key) {}}
	named := func(good, failed uint64, slow ...uint64) frame {
		e := entry{Namespace: shop.Namespace, Name: shop.Name}
		e.Split.Ended[2], e.Direct.Ended[5] = good, failed
		for _, n := range slow {
			e.FirstByte = append(e.FirstByte, [2]uint64{80, n})
		}
		return frame{Revisions: []entry{e}}
	}
	gone := frame{Revisions: []entry{{Namespace: shop.Namespace, Name: shop.Name, Gone: true}}}
	a, b := server.open("a"), server.open("b")
	for _, step := range []struct {
		name               string
		do                 func()
		good, failed, slow uint64
	}{
		{"one stream", func() { server.take(a, named(3, 1, 2)) }, 3, 1, 2},
		{"it grows", func() { server.take(a, named(5, 1, 1)) }, 5, 1, 3},
		{"another stream", func() { server.take(b, named(10, 10)) }, 15, 11, 3},
		{"one ends", func() { server.close(a) }, 15, 11, 3},
		{"and comes back", func() { a = server.open("a"); server.take(a, named(1, 0, 1)) }, 16, 11, 4},
		{"one does not know it any more", func() { server.take(a, gone) }, 16, 11, 4},
		{"none does", func() { server.take(b, gone) }, 0, 0, 0},
	} {
		step.do()
		m := server.Measured(shop)
		if got, want := [3]uint64{m.Split.Answered(), m.Direct.Bad(), m.FirstByte[80]}, [3]uint64{step.good, step.failed, step.slow}; got != want {
			t.Errorf("%s: %v, want %v", step.name, got, want)
		}
	}
}

// TestWaitingIsOfOpenStreams: the last words of those are added up, and a stream
// that ends takes its word along; Timed is a sum like all others.
func TestWaitingIsOfOpenStreams(t *testing.T) {
	server := &Server{Changed: func(Key) {}}
	named := func(timed uint64, waiting ...[2]uint64) frame {
		return frame{Revisions: []entry{{Namespace: shop.Namespace, Name: shop.Name, Timed: timed, Waiting: waiting}}}
	}
	a, b := server.open("a"), server.open("b")
	for _, step := range []struct {
		name           string
		do             func()
		timed, waiting uint64
	}{
		{"two wait", func() { server.take(a, named(2, [2]uint64{80, 2})) }, 2, 2},
		{"and in another one three", func() { server.take(b, named(3, [2]uint64{3, 1}, [2]uint64{80, 3})) }, 5, 5},
		{"one was answered", func() { server.take(a, named(2, [2]uint64{80, 1})) }, 5, 4},
		{"all were", func() { server.take(a, named(3)) }, 6, 3},
		{"an activator goes", func() { server.close(b) }, 6, 0},
	} {
		step.do()
		if m := server.Measured(shop); m.Timed != step.timed || m.Waiting[80] != step.waiting {
			t.Errorf("%s: %d timed, %d wait, want %d and %d", step.name, m.Timed, m.Waiting[80], step.timed, step.waiting)
		}
	}
}

func TestAnEdgeIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := startAutoscaler()
		defer server.http.Close()
		c := &counters{}
		client, stop := run(t, c, one("10.0.0.1"), func(string) *network { return server.network })
		defer stop()
		time.Sleep(decide.Cadence + 20*time.Millisecond)
		synctest.Wait()

		began := time.Now()
		c.set(Sample{Key: shop, Queued: 1, Requests: 1})
		client.Edge()
		client.Edge() // and never blocks
		synctest.Wait()
		r := server.Reports(shop)[0]
		if r.Queued != 1 || r.At.Sub(began) > edgeGap {
			t.Errorf("queued %d after %s", r.Queued, r.At.Sub(began))
		}
	})
}

func TestEveryAutoscalerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leader, standby := startAutoscaler(), startAutoscaler()
		defer leader.http.Close()
		defer standby.http.Close()
		var mu sync.Mutex
		hosts, failing := []string{"10.0.0.1", "10.0.0.2"}, false
		lookup := func() ([]string, error) {
			mu.Lock()
			defer mu.Unlock()
			if failing {
				return nil, errors.New("no such host")
			}
			return hosts, nil
		}
		c := &counters{}
		c.set(Sample{Key: shop, InFlight: 1})
		_, stop := run(t, c, lookup, func(addr string) *network {
			if strings.HasPrefix(addr, "10.0.0.1:") {
				return leader.network
			}
			return standby.network
		})
		defer stop()
		time.Sleep(decide.Cadence)
		synctest.Wait()
		for name, a := range map[string]*autoscaler{"leader": leader, "standby": standby} {
			if got := a.Reports(shop); len(got) != 1 || got[0].InFlight != 1 {
				t.Errorf("%s knows %+v", name, got)
			}
		}

		mu.Lock()
		failing = true
		mu.Unlock()
		time.Sleep(2 * lookupEvery)
		synctest.Wait()
		if leader.Streams() != 1 || standby.Streams() != 1 {
			t.Error("a name server that is away ended a stream")
		}

		mu.Lock()
		hosts, failing = []string{"10.0.0.2"}, false
		mu.Unlock()
		time.Sleep(2 * lookupEvery)
		synctest.Wait()
		if leader.Streams() != 0 || standby.Streams() != 1 {
			t.Errorf("streams: %d to the one that is gone, %d to the other", leader.Streams(), standby.Streams())
		}
	})
}

func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := startAutoscaler(), startAutoscaler()
		defer second.http.Close()
		var mu sync.Mutex
		at := first.network
		c := &counters{}
		c.set(Sample{Key: shop, InFlight: 4, Requests: 9, Busy: time.Second})
		_, stop := run(t, c, one("10.0.0.1"), func(string) *network {
			mu.Lock()
			defer mu.Unlock()
			return at
		})
		defer stop()
		time.Sleep(time.Second)
		synctest.Wait()
		before := first.changes()
		first.http.Close()
		time.Sleep(10 * time.Second) // nobody listens
		synctest.Wait()
		if first.Streams() != 0 || first.changes() == before {
			t.Error("a stream that ended was not noticed")
		}
		mu.Lock()
		at = second.network
		mu.Unlock()
		time.Sleep(lastBackoff + decide.Cadence)
		synctest.Wait()
		got := second.Reports(shop)
		if len(got) != 1 || got[0].InFlight != 4 || got[0].Requests != 0 || got[0].Busy != 0 {
			t.Errorf("after a new stream: %+v", got)
		}
	})
}

// TestASilentActivatorIsGivenUp has a peer that opens a stream and hangs.
func TestASilentActivatorIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := startAutoscaler()
		defer server.http.Close()
		conn, err := server.network.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go io.Copy(io.Discard, conn)
		if _, err := io.WriteString(conn, "POST "+Path+" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(silence - time.Second)
		synctest.Wait()
		if server.Streams() != 1 {
			t.Fatal("the stream ended too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if server.Streams() != 0 {
			t.Error("a silent stream stays open")
		}
	})
}

// TestAStuckAutoscalerIsGivenUp has a peer that accepts and never reads.
func TestAStuckAutoscalerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		var dials int
		var mu sync.Mutex
		client, stop := run(t, &counters{}, one("10.0.0.1"), func(string) *network {
			mu.Lock()
			defer mu.Unlock()
			dials++
			return n
		})
		defer stop()
		stuck, _ := n.Accept()
		defer stuck.Close()
		time.Sleep(silence + lastBackoff)
		again, _ := n.Accept()
		defer again.Close()
		client.Edge()
		mu.Lock()
		defer mu.Unlock()
		if dials < 2 {
			t.Errorf("%d dials", dials)
		}
	})
}

func serve(s *Server, method, body string) (int, string) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, Path, strings.NewReader(body))
	s.ServeHTTP(deadlines{w}, r)
	return w.Code, w.Body.String()
}

// deadlines is a ResponseWriter whose connection can have deadlines.
type deadlines struct{ *httptest.ResponseRecorder }

func (deadlines) SetReadDeadline(time.Time) error { return nil }

func TestStreamsAreRefused(t *testing.T) {
	s := &Server{Logger: quiet, Changed: func(Key) {}}
	for _, tc := range []struct {
		name, method, body string
		code               int
		text               string
	}{
		{"method", http.MethodGet, "", 405, "only POST"},
		{"no JSON", http.MethodPost, "hello\n", 400, "invalid character"},
		{"no name", http.MethodPost, `{"revisions":[{"inFlight":1}]}`, 400, "without a name"},
		{"negative", http.MethodPost, `{"revisions":[{"namespace":"a","name":"b","queued":-1}]}`, 400, "out of range"},
		{"no counter", http.MethodPost, `{"revisions":[{"namespace":"a","name":"b","waiting":[[129,1]]}]}`, 400, "out of range"},
		{"end", http.MethodPost, "{}\n{}\n", 400, "EOF"},
	} {
		if code, text := serve(s, tc.method, tc.body); code != tc.code || !strings.Contains(text, tc.text) {
			t.Errorf("%s: %d %q, want %d %q", tc.name, code, text, tc.code, tc.text)
		}
		if s.Streams() != 0 {
			t.Errorf("%s: the stream stays", tc.name)
		}
	}
}

func FuzzServer(f *testing.F) {
	f.Add(`{"revisions":[{"namespace":"a","name":"b","inFlight":1,"requests":18446744073709551615,"busyMicros":9223372036854775}]}` + "\n{}")
	f.Add(`{"revisions":[{"namespace":"a","name":"b","busyMicros":9223372036854775807}]}`)
	f.Add(`{"revisions":[{"namespace":"a","name":"b","gone":true}]}`)
	f.Add(`{"revisions":[{"namespace":"a","name":"b","timed":18446744073709551615,"waiting":[[0,18446744073709551615],[0,1]]}]}`)
	f.Add("\n\nnull\n[]")
	f.Fuzz(func(t *testing.T, body string) {
		s := &Server{Logger: quiet}
		s.Changed = func(key Key) {
			for _, r := range s.Reports(key) {
				if r.InFlight < 0 || r.Queued < 0 || r.Busy < 0 {
					t.Fatalf("took %+v", r)
				}
			}
		}
		serve(s, http.MethodPost, body)
	})
}
