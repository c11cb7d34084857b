package supervise

import (
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	type step struct {
		lived time.Duration
		pause time.Duration
		again bool
	}
	for name, steps := range map[string][]step{
		"a crash now and then":      {{time.Hour, 0, true}, {time.Minute, 0, true}, {settled, 0, true}},
		"a program that never runs": {{0, 0, true}, {0, 100 * time.Millisecond, true}, {0, 200 * time.Millisecond, true}, {0, 400 * time.Millisecond, true}, {0, 800 * time.Millisecond, true}, {0, 0, false}},
		"it lives in between":       {{0, 0, true}, {0, 100 * time.Millisecond, true}, {settled, 0, true}, {0, 0, true}, {0, 100 * time.Millisecond, true}},
	} {
		short := 0
		for i, s := range steps {
			next, pause, again := plan(short, s.lived)
			if pause != s.pause || again != s.again {
				t.Errorf("%s, crash %d: again %v after %s, want %v after %s", name, i+1, again, pause, s.again, s.pause)
			}
			short = next
		}
	}
}
