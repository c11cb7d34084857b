package sources

import (
	"errors"
	"strings"
	"testing"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

func TestTaken(t *testing.T) {
	each(t, func(t *testing.T, k kind, s server) {
		w, stop := begin(t, k.run, s.config())
		w.tells(t, "<nil>")
		s.send(t, texts("a", 60))
		until(t, "all are kept and acknowledged", func() bool { return w.count() == 60 && s.left(t) == 0 })
		stop()
		if told := w.last(); told != "<nil>" {
			t.Errorf("told %s", told)
		}
	})
}

// A channel that fails in the middle: nothing is acknowledged that it has not
// kept, and all is kept in the end.
func TestChannelFails(t *testing.T) {
	each(t, func(t *testing.T, k kind, s server) {
		s.send(t, texts("a", 60))
		w, stop := begin(t, k.run, s.config())
		appends := 0
		w.setRefuse(func([]event.Event) error {
			if appends++; appends != 3 && appends < 7 {
				return errors.New("the disk is away")
			}
			return nil
		})
		w.tells(t, "the disk is away")
		until(t, "all are kept and acknowledged", func() bool {
			left, kept := s.left(t), w.count()
			if 60-left > kept {
				t.Fatalf("%d messages are acknowledged, and %d kept", 60-left, kept)
			}
			return kept == 60 && left == 0
		})
		stop()
	})
}

// What a source had in hand when it ended comes again to the next one.
func TestRedelivered(t *testing.T) {
	each(t, func(t *testing.T, k kind, s server) {
		s.send(t, texts("a", 30))
		first, stop := begin(t, k.run, s.config())
		first.setRefuse(func([]event.Event) error { return errors.New("the disk is away") })
		first.tells(t, "the disk is away")
		stop()
		if left := s.left(t); left != 30 {
			t.Fatalf("%d messages left, want 30", left)
		}
		s.elapse()
		second, stop := begin(t, k.run, s.config())
		until(t, "all are kept and acknowledged", func() bool { return second.count() == 30 && s.left(t) == 0 })
		stop()
	})
}

// A message that never fits holds up no other.
func TestTooLarge(t *testing.T) {
	each(t, func(t *testing.T, k kind, s server) {
		s.send(t, []string{"a", strings.Repeat("large", 100), "b"})
		w, stop := begin(t, k.run, s.config())
		w.setRefuse(func(events []event.Event) error {
			for _, e := range events {
				if len(e.Data) > 100 {
					return &channel.TooLarge{Reason: "the event is 500 bytes"}
				}
			}
			return nil
		})
		want := 0
		if k.keepsTooLarge {
			want = 1
		}
		until(t, "the others are kept", func() bool { return w.count() == 2 && s.left(t) == want })
		w.tells(t, "the event is 500 bytes")
		stop()
	})
}

func TestCredentialsRefused(t *testing.T) {
	each(t, func(t *testing.T, k kind, s server) {
		s.send(t, texts("a", 3))
		c, text := s.refused()
		w, stop := begin(t, k.run, c)
		w.tells(t, text)
		stop()
		if w.count() != 0 || s.left(t) != 3 {
			t.Errorf("%d kept, %d left", w.count(), s.left(t))
		}
	})
}

func TestServerAway(t *testing.T) {
	each(t, func(t *testing.T, k kind, s server) {
		w, stop := begin(t, k.run, s.config())
		s.send(t, texts("a", 5))
		until(t, "the first are kept", func() bool { return w.count() == 5 && s.left(t) == 0 })
		s.away(true)
		until(t, "a problem is told", func() bool { return w.last() != "<nil>" })
		s.away(false)
		s.send(t, texts("b", 5))
		until(t, "the others are kept, and all is well", func() bool { return w.count() == 10 && s.left(t) == 0 && w.last() == "<nil>" })
		stop()
	})
}
