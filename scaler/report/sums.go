package report

import (
	"time"

	"github.com/headway-dev/headway/api/latency"
)

// sums turns the samples of an activator into the frames of one stream.
type sums struct {
	known map[Key]*known
	round uint64
}

// known is a revision as the last frame left it.
type known struct {
	raw   Sample
	sent  entry
	busy  time.Duration   // since the start of the stream
	round uint64          // in which it was seen last
	times *latency.Counts // of the last frame; nil: there were none
}

// newSums takes the samples at the start of a stream, from which it counts.
func newSums(samples func(yield func(Sample))) *sums {
	s := &sums{known: map[Key]*known{}}
	samples(func(sample Sample) {
		k := &known{raw: sample, sent: entry{Namespace: sample.Namespace, Name: sample.Name}}
		if sample.Timed > 0 {
			k.grown(sample.FirstByte)
		}
		s.known[sample.Key] = k
	})
	return s
}

// next returns what has changed or is busy.
func (s *sums) next(samples func(yield func(Sample))) frame {
	var f frame
	s.round++
	samples(func(sample Sample) {
		k := s.known[sample.Key]
		if k == nil {
			k = &known{sent: entry{Namespace: sample.Namespace, Name: sample.Name}}
			s.known[sample.Key] = k
		}
		k.round = s.round
		if e := k.count(sample); e.newsAfter(k.sent) {
			k.sent = e
			e.FirstByte = k.grown(sample.FirstByte)
			f.Revisions = append(f.Revisions, e)
		}
	})
	for key, k := range s.known {
		if k.round != s.round {
			f.Revisions = append(f.Revisions, entry{Namespace: key.Namespace, Name: key.Name, Gone: true})
			delete(s.known, key)
		}
	}
	return f
}

// count adds what is new in a sample.
func (k *known) count(sample Sample) entry {
	if sample.Requests < k.raw.Requests {
		k.raw, k.times = Sample{}, nil
	}
	e := k.sent
	e.InFlight, e.Queued, e.Pods = sample.InFlight, sample.Queued, sample.Pods
	e.Requests += sample.Requests - k.raw.Requests
	e.Waiting = pairs(sample.Waiting)
	e.Timed += sample.Timed - k.raw.Timed
	e.Split = e.Split.plus(sample.Split, k.raw.Split)
	e.Repeat = e.Repeat.plus(sample.Repeat, k.raw.Repeat)
	e.Direct = e.Direct.plus(sample.Direct, k.raw.Direct)
	// Busy is read while requests come and go and may waver a little.
	k.busy += max(0, sample.Busy-k.raw.Busy)
	sample.Busy = max(sample.Busy, k.raw.Busy)
	e.BusyMicros = k.busy.Microseconds()
	k.raw = sample
	return e
}

// pairs are the counters that are not zero.
func pairs(counts *latency.Counts) (pairs [][2]uint64) {
	if counts == nil {
		return nil
	}
	for i, n := range counts {
		if n > 0 {
			pairs = append(pairs, [2]uint64{uint64(i), n})
		}
	}
	return pairs
}

// grown returns which counters of h have grown since it was called last.
func (k *known) grown(h *Histogram) [][2]uint64 {
	if h == nil {
		return nil
	}
	if k.times == nil {
		k.times = &latency.Counts{}
	}
	now, grown := h.Load(), latency.Counts{}
	for i, n := range now {
		if n > k.times[i] {
			grown[i] = n - k.times[i]
		}
	}
	*k.times = now
	return pairs(&grown)
}
