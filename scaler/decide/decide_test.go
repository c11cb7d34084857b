package decide

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// steps turns fuzz input into reports of two activators, one each 100 ms to
// 6.4 s.
func steps(data []byte, more int, yield func(Seen, time.Time)) {
	now := epoch
	seen := Seen{EverReady: true}
	a, b := Report{Stream: "a"}, Report{Stream: "b"}
	for len(data) >= 4 {
		gap := time.Duration(data[0]%64+1) * Cadence
		now = now.Add(gap)
		a.InFlight, a.Queued = int(data[1])+more, int(data[2]%8)
		a.Requests += uint64(a.InFlight)
		a.Busy += time.Duration(a.InFlight+a.Queued) * gap
		a.At = now
		if data[3]&1 == 0 { // b is alive
			b.At, b.InFlight = now, int(data[3]>>4)
			b.Busy += time.Duration(b.InFlight) * gap
		}
		seen.Reports = []Report{a, b}
		seen.Ready = min(int(data[3]>>1), seen.Replicas)
		yield(seen, now)
		data = data[4:]
	}
}

func FuzzDecide(f *testing.F) {
	f.Add(uint8(0), uint8(10), uint8(2), uint8(30), []byte("\x01\x00\x00\x00\x05\x20\x01\x02\x3f\x00\x00\x02\x3f\x00\x00\x02\x3f\x00\x00\x02"))
	f.Add(uint8(3), uint8(3), uint8(0), uint8(1), []byte("aaaabbbbccccddddeeeeffff\x01\x00\x00\x00"))
	f.Add(uint8(9), uint8(1), uint8(200), uint8(0), []byte{})
	f.Fuzz(func(t *testing.T, least, most, target, idle uint8, data []byte) {
		spec := Spec{Min: int(least % 32), Max: int(most), Concurrency: float64(target), Idle: time.Duration(idle) * time.Second}
		bounds := spec.withDefaults()
		var state State
		replicas := 0
		steps(data, 0, func(seen Seen, now time.Time) {
			seen.Replicas = replicas
			before := state
			d, after := Decide(spec, seen, state, now)
			switch {
			case d.Replicas < bounds.Min || d.Replicas > bounds.Max:
				t.Fatalf("%d is outside of %d..%d", d.Replicas, bounds.Min, bounds.Max)
			case math.IsNaN(bounds.need(d.Stable)) || math.IsInf(bounds.need(d.Burst), 0):
				t.Fatalf("averages %v %v", d.Stable, d.Burst)
			case d.Replicas == 0 && seen.Reports[0].InFlight+seen.Reports[0].Queued > 0:
				t.Fatalf("zero with requests: %s", d.Reason)
			case d.Reason == "":
				t.Fatal("no reason")
			case !d.Next.IsZero() && !d.Next.After(now):
				t.Fatalf("looks again at %s, now is %s", d.Next, now)
			case d.Replicas < replicas && replicas <= bounds.Max && now.Sub(after.since) < StableWindow:
				t.Fatalf("%d to %d before a whole window was seen", replicas, d.Replicas)
			}
			if again, _ := Decide(spec, seen, before, now); again != d {
				t.Fatalf("not pure: %+v, then %+v", d, again)
			}
			busier := seen
			busier.Reports = append([]Report(nil), seen.Reports...)
			busier.Reports[0].InFlight += 5
			busier.Reports[0].Busy += 50 * time.Second
			if more, _ := Decide(spec, busier, before, now); more.Replicas < d.Replicas {
				t.Fatalf("more load: %d instead of %d", more.Replicas, d.Replicas)
			}
			state, replicas = after, d.Replicas
		})
	})
}

// TestReportsMayBeLate shows that the averages do not depend on how often an
// activator reports.
func TestReportsMayBeLate(t *testing.T) {
	average := func(every time.Duration) float64 {
		var state State
		var d Decision
		for at := every; at <= 30*time.Second; at += every {
			seen := Seen{Replicas: 1, Ready: 1, EverReady: true, Reports: []Report{{
				Stream: "a", At: epoch.Add(at), InFlight: 7, Busy: 7 * at,
			}}}
			d, state = Decide(Spec{}, seen, state, epoch.Add(at))
		}
		return d.Burst.InFlight
	}
	for _, every := range []time.Duration{50 * time.Millisecond, time.Second, 5 * time.Second} {
		if got := average(every); math.Abs(got-7) > 1e-6 {
			t.Errorf("reports each %s: average %v, want 7", every, got)
		}
	}
}

func TestSpecDefaults(t *testing.T) {
	load := Load{InFlight: 70, Rate: 210}
	for _, tc := range []struct {
		name string
		spec Spec
		want float64
	}{
		{"default", Spec{}, 70.0 / 80},
		{"target", Spec{Concurrency: 5}, 14},
		{"target below the limit", Spec{Concurrency: 9, Limit: 10}, 70.0 / 9},
		{"target of the limit", Spec{Concurrency: 10, Limit: 10}, 7},
		{"share of a limit below the target", Spec{Limit: 10}, 10},
		{"the rate needs more", Spec{RPS: 3, Concurrency: 7}, 70},
		{"the rate needs less", Spec{RPS: 100, Concurrency: 7}, 10},
	} {
		if got := tc.spec.withDefaults().need(load); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("%s: %v pods, want %v", tc.name, got, tc.want)
		}
	}
	got := Spec{Min: 30}.withDefaults()
	want := Spec{Min: 20, Max: 20, Activation: 1, Concurrency: 80, Idle: 30 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestStateIsAValue guards the promise that a State can be kept and used again.
func TestStateIsAValue(t *testing.T) {
	var state State
	seen := Seen{Replicas: 9, Ready: 9, EverReady: true, Reports: []Report{{Stream: "a", At: epoch, InFlight: 1}}}
	_, state = Decide(Spec{DownDelay: time.Hour}, seen, state, epoch)
	kept := state
	copied := append([]Report(nil), kept.streams...)
	levels := append([]level(nil), kept.enough...)
	seen.Reports[0] = Report{Stream: "b", At: epoch.Add(time.Second), InFlight: 500, Busy: time.Hour}
	_, _ = Decide(Spec{DownDelay: time.Hour}, seen, state, epoch.Add(time.Second))
	if !reflect.DeepEqual(copied, kept.streams) || !reflect.DeepEqual(levels, kept.enough) {
		t.Error("a decision changed the state it was given")
	}
}

func BenchmarkDecide(b *testing.B) {
	var state State
	seen := Seen{Replicas: 3, Ready: 3, EverReady: true, Reports: make([]Report, 2)}
	for i := 0; b.Loop(); i++ {
		now := epoch.Add(time.Duration(i) * Cadence)
		for j := range seen.Reports {
			seen.Reports[j] = Report{Stream: string(rune('a' + j)), At: now, InFlight: 90, Busy: time.Duration(i*9) * time.Second}
		}
		_, state = Decide(Spec{}, seen, state, now)
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 0.000598: "under 0.01", 0.01: "0.01", 2.226: "2.23", 45: "45", 1234.5: "1234"} {
		if got := number(n); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}
