package intake

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

// world is the sink and the report of a run. Its times are since the beginning.
type world struct {
	began   time.Time
	answers []error // of Append, one after the other; then nil
	most    int     // an event with more data is too large
	kept    []string
	told    []string
	counted int
}

func (w *world) Append(_ context.Context, events []event.Event) error {
	if len(events) > 1000 {
		return &channel.TooLarge{Reason: "too many"}
	}
	if len(w.answers) > 0 {
		err := w.answers[0]
		w.answers = w.answers[1:]
		if err != nil {
			return err
		}
	}
	for _, e := range events {
		if w.most > 0 && len(e.Data) > w.most {
			return &channel.TooLarge{Reason: "the event is large"}
		}
	}
	for _, e := range events {
		w.kept = append(w.kept, e.ID)
	}
	return nil
}

func (w *world) Accepted(n int)    { w.counted += n }
func (w *world) Position(p string) { panic("a queue remembers the position itself") }
func (w *world) Problem(err error) { w.told = append(w.told, fmt.Sprint(err)) }

func (w *world) intake() (*Intake, *Health) {
	w.began = time.Now()
	h := NewHealth(w)
	return New(w, w, h), h
}

func message(name string, sizes ...int) Message {
	m := Message{Name: name}
	for i, size := range sizes {
		m.Events = append(m.Events, event.Event{ID: fmt.Sprint(name, i), Data: make([]byte, size)})
	}
	return m
}

func TestPut(t *testing.T) {
	for name, tt := range map[string]struct {
		world    world
		messages []Message
		kept     []string
		told     []string
		tooLarge []int
		atLeast  time.Duration
	}{
		"nothing":        {world{}, nil, nil, nil, nil, 0},
		"all":            {world{}, []Message{message("a", 1, 1), message("b", 1)}, []string{"a0", "a1", "b0"}, []string{"<nil>"}, nil, 0},
		"one that fails": {world{answers: []error{errors.New("no"), errors.New("no")}}, []Message{message("a", 1)}, []string{"a0"}, []string{"no", "<nil>"}, nil, 1500 * time.Millisecond},
		"full":           {world{answers: []error{&channel.Full{RetryAfter: 40 * time.Second}}}, []Message{message("a", 1)}, []string{"a0"}, []string{"the channel is full; the next event to go goes in 40s", "<nil>"}, nil, 40 * time.Second},
		"away":           {world{answers: []error{&channel.Unavailable{RetryAfter: 5 * time.Second, Reason: "the disk is low"}}}, []Message{message("a", 1)}, []string{"a0"}, []string{"events cannot be kept now: the disk is low", "<nil>"}, nil, 5 * time.Second},
		"too large":      {world{most: 10}, []Message{message("a", 1), message("b", 1, 11), message("c", 1)}, []string{"a0", "c0"}, []string{"<nil>", "message b: the event is large"}, []int{1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, _ := tt.world.intake()
				tooLarge, err := in.Put(t.Context(), tt.messages)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.tooLarge, tooLarge); diff != "" {
					t.Errorf("too large (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.kept, tt.world.kept); diff != "" {
					t.Errorf("kept (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.told, tt.world.told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if took := time.Since(tt.world.began); took < tt.atLeast || tt.world.counted != len(tt.kept) {
					t.Errorf("took %s, counted %d", took, tt.world.counted)
				}
			})
		})
	}
}

// One message may have more events than the channel takes at once.
func TestManyEvents(t *testing.T) {
	w := &world{}
	in, _ := w.intake()
	if tooLarge, err := in.Put(t.Context(), []Message{message("a", make([]int, 1200)...)}); err != nil || tooLarge != nil || len(w.kept) != 1200 {
		t.Errorf("kept %d; %v, %v", len(w.kept), tooLarge, err)
	}
}

func TestPutEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{answers: make([]error, 100)}
		for i := range w.answers {
			w.answers[i] = errors.New("no")
		}
		in, _ := w.intake()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := in.Put(ctx, []Message{message("a", 1)}); !errors.Is(err, context.DeadlineExceeded) || w.kept != nil {
			t.Errorf("kept %v; %v", w.kept, err)
		}
	})
}

func TestPauses(t *testing.T) {
	var p Pauses
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if got := p.Next(); got < want*time.Second/2 || got > want*time.Second {
			t.Errorf("pause %s, want about %d s", got, want)
		}
	}
	p.Reset()
	if got := p.Next(); got > time.Second {
		t.Errorf("pause after a success %s", got)
	}
}

// The first part that goes wrong is told, once, and what goes wrong beside it is
// told when that goes well again.
func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		_, h := w.intake()
		h.Set(Reading, nil)
		h.Set(Keeping, errors.New("full"))
		h.Set(Reading, errors.New("away"))
		h.Set(Reading, errors.New("away"))
		h.Set(Acknowledging, errors.New("refused"))
		h.Set(Reading, nil)
		h.Set(Keeping, nil)
		h.tooLarge(errors.New("large"))
		h.Set(Acknowledging, nil)
		time.Sleep(tellTooLarge)
		h.Set(Reading, nil)
		time.Sleep(time.Second)
		h.Set(Reading, nil)
		if diff := cmp.Diff([]string{"<nil>", "full", "away", "full", "refused", "large", "<nil>"}, w.told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}
