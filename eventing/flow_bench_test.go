package eventing

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/delivery"
	"github.com/headway-dev/headway/eventing/filter"
	"github.com/headway-dev/headway/eventing/ingress"
)

// loadChild makes the test binary the sender and the target of BenchmarkFlow, so
// that what they cost is not counted.
const loadChild = "HEADWAY_EVENTING_LOAD"

// flow is a load: so many events from so many connections, each as fast as they are
// accepted, or PerSecond in all.
type flow struct {
	URL                            string
	Run                            int
	Events, Connections, PerSecond int
	// Subscribers get each event; 0 is one.
	Subscribers int
}

// flowed is what became of it.
type flowed struct {
	Deliveries, Distinct int
	Seconds              float64   // until the last one was delivered
	Accepted, Delivered  []float64 // milliseconds, sorted
}

// BenchmarkFlow is the whole path of events of 1 KiB in this process: from the
// request that brings one, over the disk, to the request that delivers it. The
// sender and the target are another process. cpu-us/event is what this process
// costs, whatever else the machine does.
func BenchmarkFlow(b *testing.B) {
	for _, load := range []flow{{Connections: 256}, {Connections: 1}, {Connections: 64, PerSecond: 1000}} {
		for _, others := range []int{0, 1000} {
			b.Run(fmt.Sprintf("connections=%d/rate=%d/others=%d", load.Connections, load.PerSecond, others), func(b *testing.B) {
				benchmarkFlow(b, load, others)
			})
		}
	}
}

func benchmarkFlow(b *testing.B, load flow, others int) {
	child := startLoad(b)
	dispatcher, url := serveFlow(b)
	for n := range others + 1 {
		spec := v1alpha1.SubscriptionSpec{Channel: "orders", From: v1alpha1.FromEarliest}
		name := orders
		if n > 0 {
			name.Name += strconv.Itoa(n)
			spec.Filter = &v1alpha1.EventFilter{Exact: map[string]string{"type": name.Name}}
		}
		compiled, err := filter.Compile(spec.Filter)
		if err != nil {
			b.Fatal(err)
		}
		if err := dispatcher.Set(delivery.Subscription{Name: name, Spec: spec, Filter: compiled, Target: delivery.Target{URL: child.url}}); err != nil {
			b.Fatal(err)
		}
	}
	load.URL = url
	load.Run, load.Events = 1, 500
	child.send(b, load) // connections are made, the window is open
	load.Run, load.Events = 2, b.N
	before := cpuTime(b)
	b.ResetTimer()
	got := child.send(b, load)
	b.StopTimer()
	spent := cpuTime(b) - before
	if got.Distinct != b.N {
		b.Fatalf("%d of %d events came", got.Distinct, b.N)
	}
	b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "cpu-us/event")
	b.ReportMetric(float64(b.N)/got.Seconds, "events/s")
	b.ReportMetric(float64(got.Deliveries-got.Distinct), "duplicates")
	for name, all := range map[string][]float64{"accepted": got.Accepted, "delivered": got.Delivered} {
		b.ReportMetric(all[len(all)/2], name+"-p50-ms")
		b.ReportMetric(all[len(all)*99/100], name+"-p99-ms")
	}
}

// serveFlow opens everything with one channel.
func serveFlow(b *testing.B) (*delivery.Dispatcher, string) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	e := New(Options{Data: b.TempDir()})
	ctx, cancel := context.WithCancel(context.Background())
	if err := e.open(ctx); err != nil {
		b.Fatal(err)
	}
	log, err := e.store.Ensure(ctx, orders, channel.Settings{Keep: time.Hour, Size: 8 << 30, MaxEvent: 1 << 20, Dedupe: 10 * time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	dispatcher := delivery.New(e.store, e.cursors, delivery.NewClient(), slog.Default())
	dispatcher.Remember(e.story.Attempted)
	e.ingress = ingress.New(access.NewGuard(nil, time.Now), slog.Default())
	e.ingress.Open(orders, ingress.Door{Log: log, MaxEvent: 1 << 20, Rule: access.NewRule(nil, &v1alpha1.Channel{}, "", nil, time.Now)})
	e.ingress.Ready()
	e.inside.lead(e.ingress)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: e.inside, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	ended := make(chan error, 1)
	go func() { ended <- dispatcher.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		server.Close()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	return dispatcher, "http://" + listener.Addr().String() + "/shop/orders"
}

func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// loadProcess is the other process.
type loadProcess struct {
	url string
	in  io.Writer
	out *bufio.Reader
}

func startLoad(b *testing.B) *loadProcess {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), loadChild+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	p := &loadProcess{in: in, out: bufio.NewReader(out)}
	if p.url, err = p.out.ReadString('\n'); err != nil {
		b.Fatal(err)
	}
	p.url = strings.TrimSpace(p.url)
	return p
}

// send has the other process send a load.
func (p *loadProcess) send(b *testing.B, load flow) (got flowed) {
	if err := json.NewEncoder(p.in).Encode(load); err != nil {
		b.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &got)
	}
	if err != nil {
		b.Fatalf("%v: %.200s", err, line)
	}
	return got
}

// hangPath is where requests are not answered before the next load.
const hangPath = "hang"

// target counts deliveries, each subscription's for itself.
type target struct {
	mu        sync.Mutex
	run       string
	want      int
	ids       map[string]bool
	all       int
	delivered []float64
	done      chan struct{}
	next      chan struct{} // closed when the next load begins
}

func (t *target) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	_, _ = io.Copy(io.Discard, r.Body)
	if r.URL.Path == "/"+hangPath {
		t.mu.Lock()
		next := t.next
		t.mu.Unlock()
		select {
		case <-next:
		case <-r.Context().Done():
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	id := r.Header.Get("Ce-Id")
	if !strings.HasPrefix(id, t.run) {
		return
	}
	t.all++
	id += " of " + r.Header.Get("Headway-Subscription")
	if t.ids[id] {
		return
	}
	t.ids[id] = true
	sent, _ := strconv.ParseInt(r.Header.Get("Ce-Sent"), 10, 64)
	t.delivered = append(t.delivered, now.Sub(time.Unix(0, sent)).Seconds()*1000)
	if len(t.ids) == t.want {
		close(t.done)
	}
}

// runLoad is the other process: it sends one load after the other.
func runLoad() error {
	t := &target{next: make(chan struct{})}
	own, err := ownAddress()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(own, "0"))
	if err != nil {
		return err
	}
	go http.Serve(listener, t)
	fmt.Println("http://" + listener.Addr().String() + "/")
	loads := json.NewDecoder(os.Stdin)
	for {
		var load flow
		if err := loads.Decode(&load); err != nil {
			return nil // the benchmark is over
		}
		done := make(chan struct{})
		t.mu.Lock()
		t.run, t.want, t.ids, t.all, t.delivered, t.done = fmt.Sprintf("%d-", load.Run), load.Events*max(load.Subscribers, 1), map[string]bool{}, 0, nil, done
		close(t.next)
		t.next = make(chan struct{})
		t.mu.Unlock()
		begin := time.Now()
		accepted, err := load.send()
		if err != nil {
			return err
		}
		<-done
		took := time.Since(begin)
		t.mu.Lock()
		slices.Sort(t.delivered)
		slices.Sort(accepted)
		got := flowed{Deliveries: t.all, Distinct: len(t.ids), Seconds: took.Seconds(), Accepted: thin(accepted), Delivered: thin(t.delivered)}
		t.mu.Unlock()
		if err := json.NewEncoder(os.Stdout).Encode(got); err != nil {
			return err
		}
	}
}

// ownAddress is one of this machine at which deliveries may go: not the loopback.
func ownAddress() (string, error) {
	all, err := net.InterfaceAddrs()
	for _, one := range all {
		if prefix, err := netip.ParsePrefix(one.String()); err == nil && prefix.Addr().Is4() && outward.Allowed(prefix.Addr()) {
			return prefix.Addr().String(), nil
		}
	}
	return "", errors.Join(err, errors.New("this machine has no address but the loopback"))
}

// thin keeps a thousand of many.
func thin(sorted []float64) []float64 {
	if len(sorted) <= 1000 {
		return sorted
	}
	out := make([]float64, 1000)
	for i := range out {
		out[i] = sorted[i*len(sorted)/1000]
	}
	return out
}

// send sends all events and returns how long they took until they were accepted.
func (l *flow) send() (took []float64, err error) {
	address, path, _ := strings.Cut(strings.TrimPrefix(l.URL, "http://"), "/")
	var mu sync.Mutex
	var group sync.WaitGroup
	next, begin := 0, time.Now()
	take := func() (n int, due time.Time) {
		mu.Lock()
		defer mu.Unlock()
		if next == l.Events {
			return -1, due
		}
		next++
		if l.PerSecond > 0 {
			due = begin.Add(time.Duration(next) * time.Second / time.Duration(l.PerSecond))
		}
		return next, due
	}
	for range l.Connections {
		conn, e := net.Dial("tcp", address)
		if e != nil {
			return nil, e
		}
		group.Go(func() {
			defer conn.Close()
			answers := bufio.NewReader(conn)
			var text []byte
			for {
				n, due := take()
				if n < 0 {
					return
				}
				if due.IsZero() {
					due = time.Now()
				} else {
					time.Sleep(time.Until(due))
				}
				text = fmt.Appendf(text[:0], "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1024\r\nContent-Type: text/plain\r\nCe-Specversion: 1.0\r\nCe-Source: /bench\r\nCe-Type: bench.sent\r\nCe-Id: %d-%d\r\nCe-Sent: %d\r\n\r\n%s",
					path, address, l.Run, n, due.UnixNano(), flowData)
				_, e := conn.Write(text)
				line := ""
				if e == nil {
					line, e = answers.ReadString('\n')
				}
				for rest := line; e == nil && rest != "\r\n"; {
					rest, e = answers.ReadString('\n')
				}
				if e == nil && !strings.Contains(line, " 202 ") {
					e = fmt.Errorf("answered with %s", line)
				}
				mu.Lock()
				if e != nil {
					err, next = e, l.Events
				}
				took = append(took, time.Since(due).Seconds()*1000)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return took, err
}

var flowData = strings.Repeat("x", 1024)
