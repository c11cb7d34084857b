package latency

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestBucketsAreNineInAHundredApart checks each time against the bounds that the
// exposition and a gate read, and that these are close enough to decide by.
func TestBucketsAreNineInAHundredApart(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	times := []time.Duration{0, 1, time.Millisecond, time.Millisecond + 1, 59 * time.Second, time.Minute, Bound(Buckets - 2), Bound(Buckets-2) + 1, time.Hour}
	for i := range Buckets - 1 {
		times = append(times, Bound(i), Bound(i)+1)
	}
	for range 100_000 {
		times = append(times, time.Duration(random.Int64N(int64(70*time.Second))), time.Duration(random.Int64N(int64(40*time.Millisecond))))
	}
	for _, took := range times {
		i := Bucket(took)
		if i > 0 && took <= Bound(i-1) {
			t.Fatalf("%s is in counter %d, whose times begin above %s", took, i, Bound(i-1))
		}
		if i < Buckets-1 && took > Bound(i) {
			t.Fatalf("%s is in counter %d, whose times end at %s", took, i, Bound(i))
		}
	}
	for i := 1; i < Buckets-1; i++ {
		if ratio := float64(Bound(i)) / float64(Bound(i-1)); ratio > 1.1 {
			t.Errorf("%s is followed by %s", Bound(i-1), Bound(i))
		}
	}
	if first, last := Bound(0), Bound(Buckets-2); first != time.Millisecond || last < time.Minute {
		t.Errorf("the bounds reach from %s to %s", first, last)
	}
}

func BenchmarkBucket(b *testing.B) {
	for b.Loop() {
		Bucket(3 * time.Millisecond)
	}
}
