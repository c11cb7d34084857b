package promotion

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// FuzzPlan checks what holds for every decision, over apps of up to 8
// revisions: which exist, are ready, and serve, in any history.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{0, 1, 2}, byte(0b111), byte(0b011), byte(1), byte(8))
	f.Add([]byte{2, 0}, byte(0b101), byte(0b000), byte(0), byte(2))
	f.Add([]byte{}, byte(0xff), byte(0xff), byte(8), byte(3))
	f.Fuzz(func(t *testing.T, history []byte, exist, ready, serving, pin byte) {
		in := input(history, exist, ready, serving, pin)
		traffic := Plan(in)

		sum := int32(0)
		for _, target := range traffic {
			sum += target.Weight
			isReady, exists := in.Ready[target.Revision]
			if !exists {
				t.Errorf("%s does not exist", target.Revision)
			}
			if !isReady && Live(in.Serving) != target.Revision {
				t.Errorf("%s is not ready and did not serve", target.Revision)
			}
		}
		if len(traffic) > 0 && sum != 100 {
			t.Errorf("weights add up to %d", sum)
		}
		if in.Pin != "" && in.Ready[in.Pin] && Live(traffic) != in.Pin {
			t.Errorf("the pinned revision is ready, but %q serves", Live(traffic))
		}
		if _, exists := in.Ready[Live(in.Serving)]; exists && len(traffic) == 0 {
			t.Error("traffic was taken from a revision that exists, and given to none")
		}
		in.Serving = traffic
		if diff := cmp.Diff(traffic, Plan(in)); diff != "" {
			t.Errorf("a second look decides otherwise (-first +second):\n%s", diff)
		}
	})
}

// input reads bits: revision i exists, is ready. A serving or pin of 8 or more
// is none.
func input(history []byte, exist, ready, serving, pin byte) Input {
	name := func(i byte) string { return string(rune('a' + i%8)) }
	in := Input{Ready: map[string]bool{}}
	for i := range byte(8) {
		if exist&(1<<i) != 0 {
			in.Ready[name(i)] = ready&(1<<i) != 0
		}
	}
	for _, h := range history[:min(len(history), 20)] {
		in.History = append(in.History, name(h))
	}
	if serving < 8 {
		in.Serving = []v1alpha1.TrafficTarget{{Revision: name(serving), Weight: 100}}
	}
	if pin < 8 {
		in.Pin = name(pin)
	}
	return in
}
