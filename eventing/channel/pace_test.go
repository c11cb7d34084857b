package channel

import (
	"testing"
	"time"
)

// TestPace: on a fast disk a batch pays late, on a slow one early, and a pause of
// the machine is forgotten.
func TestPace(t *testing.T) {
	from := func(p pace) int {
		for n := 1; ; n++ {
			if p.together(n) || n == 1000 {
				return n
			}
		}
	}
	p := newPace()
	if got := from(p); got != 20 {
		t.Errorf("at first a batch pays from %d on", got)
	}
	for range 10 * memory {
		p.wrote(3, false, 3*time.Millisecond) // 1 ms each
		p.wrote(50, true, 3*time.Millisecond)
	}
	if got := from(p); got < 3 || got > 4 {
		t.Errorf("on a slow disk a batch pays from %d on", got)
	}
	for range 10 {
		p.wrote(1, true, time.Hour)
	}
	if !p.together(batchTo) {
		t.Errorf("after a pause %d events are written one by one, each in %s, a batch in %s", batchTo, p.alone, p.batch)
	}
	for range 10 * memory {
		p.wrote(1, false, 100*time.Microsecond)
		p.wrote(50, true, 2*time.Millisecond)
	}
	if got := from(p); got < 15 || got > 25 {
		t.Errorf("on a fast disk again a batch pays from %d on", got)
	}
}
