package channel

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/event"
)

// TestKept: whoever asks is told of each new event once, with its number, whether
// events are written alone or together.
func TestKept(t *testing.T) {
	type from string
	var mu sync.Mutex
	told := map[uint64]string{}
	s := openWith(t, Options{Dir: t.TempDir(), Kept: func(ctx context.Context, name Name, first uint64, events []event.Event) {
		mu.Lock()
		defer mu.Unlock()
		for i := range events {
			told[first+uint64(i)] += fmt.Sprint(name, " ", events[i].ID, " ", ctx.Value(from("")))
		}
	}})
	c := ensure(t, s, orders, usual)
	var senders sync.WaitGroup
	for i := range 40 {
		senders.Go(func() {
			ctx := context.WithValue(t.Context(), from(""), i)
			events := made(fmt.Sprint(i), 1+i%3)
			for range 2 { // the second time they are known
				if err := c.Append(ctx, events); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
	want := map[uint64]string{}
	records, err := c.Read(t.Context(), 1, 1000, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		e, err := event.Decode(r.Data)
		if err != nil {
			t.Fatal(err)
		}
		var sender int
		if _, err := fmt.Sscanf(e.ID, "%d-", &sender); err != nil {
			t.Fatal(err)
		}
		want[r.Seq] = fmt.Sprint(orders, " ", e.ID, " ", sender)
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(want, maps.Clone(told)); diff != "" || len(want) != 79 {
		t.Errorf("%d events; told (-want +got):\n%s", len(want), diff)
	}
}
