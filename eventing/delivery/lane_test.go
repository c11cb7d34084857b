package delivery

import (
	"log/slog"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
)

func items(kind string, from, to uint64) (out []item) {
	for seq := from; seq <= to; seq++ {
		out = append(out, item{seq: seq, event: &event.Event{Type: kind}, size: 1})
	}
	return out
}

// A follower is told of the first event that it may want, and how many it did not
// want before; also if it had seen more than the lane.
func TestFollowers(t *testing.T) {
	w := newWorld(t)
	l := newLane(w.channel("orders"), slog.New(slog.DiscardHandler))
	l.users = 3
	any, bills, ahead := &subscription{}, &subscription{}, &subscription{}
	if !l.follow(any, "", 1) || !l.follow(bills, "bill", 1) || !l.follow(ahead, "bill", 11) {
		t.Fatal("there are events before the first one")
	}
	check := func(what string, got []arrival, want ...arrival) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d were told, want %d", what, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: through %d, %d passed; want %d, %d", what, got[i].through, got[i].passed, want[i].through, want[i].passed)
			}
		}
	}
	check("orders", l.offer(items("order", 1, 4), 4), arrival{any, 0, 0})
	check("a bill", l.offer(items("bill", 5, 10), 10), arrival{bills, 4, 4})
	if through, passed, ok := l.settle(ahead, "bill", false); !ok || through != 10 || passed != 0 {
		t.Errorf("ahead: through %d, %d passed, %v", through, passed, ok)
	}
	check("orders again", l.offer(items("order", 11, 12), 12))
	check("another bill", l.offer(items("bill", 13, 13), 14), arrival{ahead, 12, 2})
	if l.follow(any, "", 14) {
		t.Error("it follows though there is an event that it has not seen")
	}
	if !l.follow(any, "", 15) || l.following != 1 {
		t.Errorf("%d follow", l.following)
	}
	got, end, known := l.from(12)
	if d := diff.Diff([]uint64{12, 13}, []uint64{got[0].seq, got[1].seq}); d != "" || end != 15 || !known {
		t.Errorf("from 12: end %d, known %v (-want +got):\n%s", end, known, d)
	}
}
