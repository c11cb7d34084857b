package trial

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/reconciler/promotion"
)

var (
	shop  = types.NamespacedName{Namespace: "team", Name: "shop"}
	first = types.NamespacedName{Namespace: "team", Name: "shop-1a2b3c4d"}
	next  = types.NamespacedName{Namespace: "team", Name: "shop-5e6f7081"}
)

// woken reports whether the feed has woken the reconciler since the last call.
func woken(f *Feed) bool {
	select {
	case e := <-f.Wake():
		return e.Object.GetName() == shop.Name && e.Object.GetNamespace() == shop.Namespace
	default:
		return false
	}
}

func TestSettling(t *testing.T) {
	counts := map[types.NamespacedName]promotion.Answers{first: {All: 100, Bad: 3}, next: {All: 10, Bad: 10}}
	f := New(func(revision types.NamespacedName) Measured { return Measured{Answers: counts[revision]} })
	expect := func(what string, revision types.NamespacedName, want promotion.Answers, wake bool) {
		t.Helper()
		f.Changed(revision)
		if got := f.Answers(revision); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
		if got := woken(f); got != wake {
			t.Errorf("%s: woken %v", what, got)
		}
	}
	expect("nobody is on trial", first, promotion.Answers{All: 100, Bad: 3}, false)

	f.Settle(shop, next)
	expect("counts begin with the trial", next, promotion.Answers{}, false)
	counts[next] = promotion.Answers{All: 12, Bad: 10}
	expect("good answers wake nobody", next, promotion.Answers{All: 2}, false)
	counts[next] = promotion.Answers{All: 13, Bad: 11}
	expect("a bad one does", next, promotion.Answers{All: 3, Bad: 1}, true)
	expect("once", next, promotion.Answers{All: 3, Bad: 1}, false)
	f.Resume(shop, next)
	expect("the trial goes on", next, promotion.Answers{All: 3, Bad: 1}, false)
	counts[next] = promotion.Answers{All: 1, Bad: 1}
	expect("sums that began anew", next, promotion.Answers{All: 1, Bad: 1}, false)

	f.Settle(shop, first)
	counts[next] = promotion.Answers{All: 99, Bad: 99}
	expect("another one is on trial now", next, promotion.Answers{All: 99, Bad: 99}, false)
	f.Settled(shop)
	counts[first] = promotion.Answers{All: 200, Bad: 100}
	expect("it has settled", first, promotion.Answers{All: 200, Bad: 100}, false)
	if len(f.apps)+len(f.of) != 0 {
		t.Errorf("%d trials are remembered", len(f.apps))
	}

	f.Resume(shop, first)
	expect("a trial that an earlier process began", first, promotion.Answers{All: 200, Bad: 100}, true)
}

// TestNobodyReads checks that a reconciler which is behind blocks nobody.
func TestNobodyReads(t *testing.T) {
	bad := uint64(0)
	f := New(func(types.NamespacedName) Measured {
		bad++
		return Measured{Answers: promotion.Answers{All: bad, Bad: bad}}
	})
	f.Settle(shop, first)
	for range 2 * wakes {
		f.Changed(first)
	}
	if len(f.wake) != wakes {
		t.Errorf("%d wait, want %d", len(f.wake), wakes)
	}
}
