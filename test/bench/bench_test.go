package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value float64
		want  string
	}{
		{"push.to_url_warm_s", 4.9, "aim"},
		{"push.to_url_warm_s", 5.1, "must"},
		{"push.to_url_warm_s", 8, "must"},
		{"push.to_url_warm_s", 8.1, "MISSED"},
		{"activator.throughput_ratio", 0.55, "aim"},
		{"activator.throughput_ratio", 0.36, "must"},
		{"activator.throughput_ratio", 0.35, "MISSED"},
		{"push.to_url_cold_s", 1000, "-"},
	} {
		r := newRow(tt.name, tt.value, nil)
		if got := r.verdict(); got != tt.want {
			t.Errorf("%s of %v: got %s, want %s", tt.name, tt.value, got, tt.want)
		}
		if got := len(missed([]row{r})) == 1; got != (tt.want == "MISSED") {
			t.Errorf("%s of %v: missed is %v", tt.name, tt.value, got)
		}
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	rows := []row{
		newRow("push.to_url_warm_s", 6.5432, map[string]any{"parts": map[string]any{"b": 2, "a": 1}}),
		newRow("push.to_url_cold_s", 31.25, nil),
	}
	if err := printTable(&out, rows); err != nil {
		t.Fatal(err)
	}
	want := "" +
		"NAME                VALUE  UNIT  MUST  AIM  REACHED  DETAIL\n" +
		"push.to_url_warm_s  6.54   s     8     5    must     parts (a 1, b 2)\n" +
		"push.to_url_cold_s  31.3   s     -     -    -        \n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestMedian(t *testing.T) {
	for want, values := range map[float64][]float64{1: {1}, 2: {3, 1, 2}, 5: {9, 5, 1, 7}} {
		if got := median(values); got != want {
			t.Errorf("median of %v is %v, want %v", values, got, want)
		}
	}
}

// TestParts: the parts add up to the whole, whatever was seen.
func TestParts(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000)
	at := func(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for name, tt := range map[string]struct {
		events map[string]time.Time
		steps  []step
		want   []part
	}{
		"built": {
			map[string]time.Time{eventRevision: at(200), eventRun: at(250), eventRunEnd: at(4000), eventImage: at(4100), eventReady: at(5000)},
			[]step{{"fetch", at(1250)}, {"build", at(1500)}, {"push", at(3500)}},
			[]part{{"watch+fetch", ms(200)}, {"run", ms(50)}, {"pod", ms(1000)}, {"fetch", ms(250)}, {"build", ms(2000)},
				{"push", ms(500)}, {"image", ms(100)}, {"deploy", ms(900)}, {"route", ms(20)}},
		},
		"reused": {
			map[string]time.Time{eventRevision: at(200), eventImage: at(230), eventReady: at(1000)},
			nil,
			[]part{{"watch+fetch", ms(200)}, {"image", ms(30)}, {"deploy", ms(770)}, {"route", ms(4020)}},
		},
		"the watch came late": {
			map[string]time.Time{eventRevision: at(300), eventRun: at(290), eventImage: at(400), eventReady: at(500)},
			nil,
			[]part{{"watch+fetch", ms(300)}, {"run", 0}, {"image", ms(100)}, {"deploy", ms(100)}, {"route", ms(4520)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := parts(begin, at(5020), tt.events, tt.steps)
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(part{})); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			var sum time.Duration
			for _, p := range got {
				sum += p.took
			}
			if sum != ms(5020) {
				t.Errorf("the parts add up to %s, want 5.02s", sum)
			}
		})
	}
}

// TestRamp: the rate grows evenly to its top, in the time it has.
func TestRamp(t *testing.T) {
	all := int(rampTop * rampTime.Seconds() / 2)
	if first, last := due(0), due(all); first != 0 || last.Round(time.Millisecond) != rampTime {
		t.Errorf("the requests are due from %s to %s", first, last)
	}
	if gap := due(all) - due(all-10); gap.Round(time.Millisecond) != 10*time.Second/rampTop {
		t.Errorf("at the top, ten requests take %s", gap)
	}
}

func TestParseWrk(t *testing.T) {
	const good = `Running 4s test @ http://198.18.0.7:8080/healthz
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.12ms    1.70ms  31.44ms   88.91%
    Req/Sec    45.10k     3.02k   52.11k    70.00%
  Latency Distribution
     50%  553.00us
     75%    1.02ms
     90%    3.05ms
     99%    8.71ms
  179622 requests in 4.00s, 20.73MB read
Requests/sec:  44871.09
Transfer/sec:      5.18MB
`
	got, err := parseWrk(good)
	if err != nil {
		t.Fatal(err)
	}
	want := wrkResult{44871.09, 553 * time.Microsecond, 8710 * time.Microsecond}
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, bad := range []string{
		"", "unable to connect",
		strings.Replace(good, "Requests/sec", "  Non-2xx or 3xx responses: 3\nRequests/sec", 1),
		strings.Replace(good, "Requests/sec", "  Socket errors: connect 0, read 1, write 0, timeout 0\nRequests/sec", 1),
	} {
		if got, err := parseWrk(bad); err == nil {
			t.Errorf("read %v out of %q", got, bad)
		}
	}
}

func TestStepStarts(t *testing.T) {
	done := func(name, message string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: name, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: message}}}
	}
	pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
		done("step-push", `[{"key":"StartedAt","value":"2026-01-02T03:04:06.001Z","type":3},{"key":"digest","value":"sha256:0","type":1}]`),
		done("step-fetch", `[{"key":"StartedAt","value":"2026-01-02T03:04:05.678Z","type":3}]`),
		done("step-build", `killed`),
		{Name: "step-other"},
	}}}
	want := []step{
		{"fetch", time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)},
		{"push", time.Date(2026, 1, 2, 3, 4, 6, 1_000_000, time.UTC)},
	}
	if diff := cmp.Diff(want, stepStarts(pod), cmp.AllowUnexported(step{})); diff != "" {
		t.Errorf("starts (-want +got):\n%s", diff)
	}
}

func TestFindMetric(t *testing.T) {
	const text = "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 3.1e+07\n"
	if got, err := findMetric(text, "process_resident_memory_bytes"); err != nil || got != 3.1e7 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := findMetric(text, "process"); err == nil {
		t.Error("found a metric that is not there")
	}
}
