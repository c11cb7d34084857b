package story

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

// TestFlood: however much one namespace sends, what others have is kept as long as it
// is little, also over a restart; what is more than their part goes by its age.
func TestFlood(t *testing.T) {
	o := options(t)
	s := open(t, o)
	defer func() { shut(t, s) }()
	const events = 3000
	add := func(channel types.NamespacedName, from, to int) {
		for i := from; i < to; i++ {
			s.Accepted(fmt.Sprint(i), Accepted{Channel: channel, Seq: uint64(i + 1), At: noon, By: strings.Repeat("x", maxText)})
			s.Attempted(Attempt{Channel: channel, Seq: uint64(i + 1), Subscription: mail, Number: 1, At: noon, Verdict: Delivered})
			if i%1000 == 0 {
				s.disk.Lock()
				s.flush()
				s.disk.Unlock()
			}
		}
	}
	noise, second := types.NamespacedName{Namespace: "noise", Name: "a"}, types.NamespacedName{Namespace: "second", Name: "a"}
	known := func(channel types.NamespacedName, i int) bool {
		found, _ := s.Find(channel.Namespace, fmt.Sprint(i), 2)
		accepted, attempts := s.At(channel, uint64(i+1))
		return len(found) == 1 && accepted != nil && len(attempts) == 1
	}
	s.most = 8 * segmentBytes
	add(orders, 0, events)
	add(noise, 0, 100_000)
	shut(t, s)
	s = open(t, o)
	s.most = 8 * segmentBytes
	add(second, 0, 40_000) // more than its part
	add(noise, 100_000, 200_000)
	if total := segments(s); total > 8 {
		t.Errorf("%d segments, want 8 at most", total)
	}
	for i := range events {
		if !known(orders, i) {
			t.Fatalf("event %d of a namespace that has little is forgotten", i)
		}
	}
	if known(noise, 0) || !known(noise, 199_999) || known(second, 0) {
		t.Errorf("known: the first and the last one of the flood %t, %t; the first one of a second flood %t", known(noise, 0), known(noise, 199_999), known(second, 0))
	}
}
