package bounds

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
)

var greedy, modest = App{"default", "greedy"}, App{"default", "modest"}

// fill takes as much as an app can get, one at a time.
func fill(p *Pool, app App) (got int64) {
	for p.TryTake(app, 1) {
		got++
	}
	return got
}

func TestShares(t *testing.T) {
	for _, tc := range []struct {
		apps int
		most int64 // of the first one
		left int64 // at least
	}{
		{1, 667, 333}, {2, 667, 111}, {10, 667, 0},
	} {
		p := NewPool(1000)
		for i := range tc.apps {
			got := fill(p, App{"default", fmt.Sprint(i)})
			if i == 0 && got != tc.most {
				t.Errorf("of %d apps the first one got %d, want %d", tc.apps, got, tc.most)
			}
		}
		total, used, refused := p.State()
		if total-used < tc.left || used > total || refused != uint64(tc.apps) {
			t.Errorf("%d apps: %d of %d is used, %d refused", tc.apps, used, total, refused)
		}
	}
}

// TestOneAlwaysFindsRoom: one that comes late, beside others that take what they can.
func TestOneAlwaysFindsRoom(t *testing.T) {
	p := NewPool(1000)
	for i := range 20 {
		fill(p, App{"default", fmt.Sprint(i % 2)})
	}
	if got := fill(p, modest); got < 70 {
		t.Errorf("beside two that take all they can, a third gets %d of 1000", got)
	}
}

func TestWhatIsGivenGoesToThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(90)
		fill(p, greedy)
		_, held, _ := p.State()
		order := make(chan string, 10)
		wait := func(app App, amount int64, name string) {
			go func() {
				if err := p.Take(t.Context(), app, amount); err == nil {
					order <- name
				}
			}()
			synctest.Wait()
		}
		wait(greedy, 20, "first")
		wait(greedy, 1, "second")
		wait(modest, 40, "modest") // does not fit either: 30 are free
		if p.TryTake(greedy, 1) {
			t.Error("one overtook those who wait")
		}
		leaving, leave := context.WithCancelCause(t.Context())
		left := errors.New("left")
		go func() {
			if err := p.Take(leaving, greedy, 5); !errors.Is(err, left) {
				t.Errorf("one who left: %v", err)
			}
		}()
		synctest.Wait()
		leave(left)
		p.Give(greedy, held)
		synctest.Wait()
		close(order)
		var got []string
		for name := range order {
			got = append(got, name)
		}
		// In turns of the apps; "second" finds 90 - 20 - 40 = 30.
		if want := []string{"first", "modest", "second"}; fmt.Sprint(sorted(got)) != fmt.Sprint(sorted(want)) {
			t.Errorf("served were %v, want %v", got, want)
		}
		p.Give(greedy, 21)
		p.Give(modest, 40)
		if _, used, _ := p.State(); used != 0 || len(p.apps) != 0 || p.waiting.Len() != 0 {
			t.Errorf("%d is still used, by %d apps, %d wait", used, len(p.apps), p.waiting.Len())
		}
	})
}

func sorted(names []string) map[string]int {
	m := map[string]int{}
	for _, n := range names {
		m[n]++
	}
	return m
}
