package keeper

import (
	"fmt"
	"testing"

	"github.com/headway-dev/headway/scaler/activator/table"
)

func TestChoose(t *testing.T) {
	three := []Member{{Name: "a", Ready: true}, {Name: "b", Ready: true}, {Name: "c", Ready: true}}
	count := map[string]int{}
	moved := 0
	for i := range 3000 {
		key := table.Key{Namespace: "default", Name: fmt.Sprint("shop-", i)}
		chosen := Choose(three, "a", key)
		count[chosen.Name]++
		if other := Choose([]Member{three[2], three[0], three[1]}, "b", key); other.Name != chosen.Name {
			t.Fatalf("%v: the order of the list matters", key)
		}
		without := Choose([]Member{three[0], {Name: "b"}, three[2]}, "a", key)
		if without.Name == "b" {
			t.Fatalf("%v: a member that is not ready was chosen", key)
		}
		if chosen.Name != "b" && without.Name != chosen.Name {
			moved++
		}
	}
	for name, n := range count {
		if n < 800 || n > 1200 {
			t.Errorf("%s keeps %d of 3000", name, n)
		}
	}
	if moved > 0 {
		t.Errorf("%d revisions of others moved when one member left", moved)
	}
	if got := Choose([]Member{{Name: "b"}}, "a", table.Key{}); got.Name != "a" {
		t.Errorf("nobody is ready: got %q, want self", got.Name)
	}
}
