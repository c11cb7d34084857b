package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/latency"
)

func of(samples ...Sample) func(func(Sample)) {
	return func(yield func(Sample)) {
		for _, s := range samples {
			yield(s)
		}
	}
}

// ended is a Tally of so many good and bad answers.
func ended(good, bad uint64) (t Tally) {
	t.Ended[2], t.Ended[5] = good, bad
	return t
}

// times is a Histogram with one time in each of the counters.
func times(counters ...int) *Histogram {
	h := &Histogram{}
	for _, i := range counters {
		h.Observe(latency.Bound(i))
	}
	return h
}

func TestSums(t *testing.T) {
	a, b := Key{"default", "a"}, Key{"default", "b"}
	s := newSums(of(Sample{Key: a, Requests: 100, Busy: time.Minute}))
	for _, step := range []struct {
		name    string
		samples []Sample
		want    []entry
	}{
		{
			"nothing since the stream was opened",
			[]Sample{{Key: a, Requests: 100, Busy: time.Minute}}, nil,
		}, {
			"growth, and a new revision from zero",
			[]Sample{{Key: a, Requests: 103, Busy: time.Minute + 5*time.Millisecond}, {Key: b, InFlight: 1, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Requests: 3, BusyMicros: 5000}, {Namespace: "default", Name: "b", InFlight: 1, Requests: 1}},
		}, {
			"busy revisions are named even when nothing changed",
			[]Sample{{Key: a, Requests: 103, Busy: time.Minute + 5*time.Millisecond}, {Key: b, InFlight: 1, Requests: 1}},
			[]entry{{Namespace: "default", Name: "b", InFlight: 1, Requests: 1}},
		}, {
			"counters that began anew",
			[]Sample{{Key: a, Requests: 2, Busy: 7 * time.Millisecond}, {Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Requests: 5, BusyMicros: 12000}, {Namespace: "default", Name: "b", Requests: 1}},
		}, {
			"a sum that wavers is not counted twice",
			[]Sample{{Key: a, Requests: 2, Busy: 6 * time.Millisecond}, {Key: b, Requests: 1}}, nil,
		}, {
			"and grows from its highest",
			[]Sample{{Key: a, Requests: 2, Busy: 8 * time.Millisecond}, {Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Requests: 5, BusyMicros: 13000}},
		}, {
			"how requests ended",
			[]Sample{{Key: a, Requests: 2, Busy: 8 * time.Millisecond, Split: ended(9, 2), Direct: ended(1, 0), FirstByte: times(0, 99)}, {Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Requests: 5, BusyMicros: 13000, Split: ended(9, 2), Direct: ended(1, 0), FirstByte: [][2]uint64{{0, 1}, {99, 1}}}},
		}, {
			"of the times only what is new",
			[]Sample{{Key: a, Requests: 2, Busy: 8 * time.Millisecond, Split: ended(10, 2), Direct: ended(1, 0), FirstByte: times(0, 99, 99)}, {Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Requests: 5, BusyMicros: 13000, Split: ended(10, 2), Direct: ended(1, 0), FirstByte: [][2]uint64{{99, 1}}}},
		}, {
			"who waits for a first byte now",
			[]Sample{{Key: a, InFlight: 3, Requests: 2, Busy: 8 * time.Millisecond, Split: ended(10, 2), Direct: ended(1, 0), Timed: 3, Waiting: &latency.Counts{7: 2, 128: 1}}, {Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", InFlight: 3, Requests: 5, BusyMicros: 13000, Split: ended(10, 2), Direct: ended(1, 0), Timed: 3, Waiting: [][2]uint64{{7, 2}, {128, 1}}}},
		}, {
			"nobody waits any more",
			[]Sample{{Key: a, Requests: 2, Busy: 8 * time.Millisecond, Split: ended(10, 2), Repeat: ended(0, 3), Direct: ended(1, 0), Timed: 4}, {Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Requests: 5, BusyMicros: 13000, Split: ended(10, 2), Repeat: ended(0, 3), Direct: ended(1, 0), Timed: 4}},
		}, {
			"deleted",
			[]Sample{{Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Gone: true}},
		}, {
			"made again under the same name: the autoscaler has forgotten it, too",
			[]Sample{{Key: a, Requests: 4, Queued: 1}, {Key: b, Requests: 1}},
			[]entry{{Namespace: "default", Name: "a", Requests: 4, Queued: 1}},
		},
	} {
		got := s.next(of(step.samples...)).Revisions
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
