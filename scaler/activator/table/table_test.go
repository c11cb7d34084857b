package table

import (
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
)

func revisions(t testing.TB, names ...string) map[Key]*backend.Revision {
	out := map[Key]*backend.Revision{}
	for _, name := range names {
		ns, name, _ := strings.Cut(name, "/")
		r := backend.NewRevision(backend.Settings{Namespace: ns, Name: name}, backend.Hooks{})
		t.Cleanup(r.Close)
		out[Key{ns, name}] = r
	}
	return out
}

func name(r *backend.Revision) string {
	if r == nil {
		return ""
	}
	return r.Namespace + "/" + r.Name
}

// request is one with these fields.
type request struct {
	host, method   string
	header, cookie map[string]string
}

func (r request) Host() string   { return r.host }
func (r request) Method() string { return r.method }

func (r request) Header(name string) (string, bool) {
	value, ok := r.header[name]
	return value, ok
}

func (r request) Cookie(name string) (string, bool) {
	value, ok := r.cookie[name]
	return value, ok
}

func TestResolve(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	table := Compile([]Route{
		{Namespace: "default", Name: "shop", App: "shop", Created: day(2), Hosts: []string{"shop.localhost"},
			Traffic:       []Share{{Revision: "shop-1", Weight: 100}, {Revision: "shop-0", Weight: 0}},
			RevisionHosts: map[string]string{"shop-0.localhost": "shop-0", "shop-9.localhost": "shop-9"}},
		{Namespace: "team", Name: "shop", App: "shop", Created: day(3), Hosts: []string{"shop.team.localhost"}, Traffic: []Share{{Revision: "shop-1", Weight: 100}}},
		{Namespace: "team", Name: "late", App: "late", Created: day(4), Hosts: []string{"shop.localhost"}, Traffic: []Share{{Revision: "shop-1", Weight: 100}}},
		{Namespace: "default", Name: "new", App: "new", Created: day(1), Hosts: []string{"new.localhost"}},
		{Namespace: "default", Name: "half", App: "half", Created: day(1), Hosts: []string{"half.localhost"},
			Traffic: []Share{{Revision: "missing", Weight: 50}, {Revision: "shop-1", Weight: 50}}},
	}, revisions(t, "default/shop-0", "default/shop-1", "team/shop-1"))

	for _, c := range []struct {
		host     string
		known    bool
		revision string
	}{
		{"shop.localhost", true, "default/shop-1"}, // the older Route has the host
		{"SHOP.Localhost:8080", true, "default/shop-1"},
		{"shop.localhost.", true, "default/shop-1"},
		{"shop.team.localhost", true, "team/shop-1"},
		{"shop-0.localhost", true, "default/shop-0"},
		{"shop-9.localhost", true, ""},
		{"new.localhost", true, ""},
		{"half.localhost", true, "default/shop-1"}, // what does not exist takes nothing
		{"", false, ""},
		{"localhost", false, ""},
		{"x.shop.localhost", false, ""},
		{"[::1]:8080", false, ""},
	} {
		m := table.Resolve(request{host: c.host})
		if m.Known != c.known || name(m.Revision) != c.revision {
			t.Errorf("%q: known %v, revision %q; want %v, %q", c.host, m.Known, name(m.Revision), c.known, c.revision)
		}
	}
	if m := table.Resolve(request{host: "shop-9.localhost"}); m.Name != "shop-9" || m.App != "shop" {
		t.Errorf("a revision's host does not say whose it is: %+v", m)
	}
}

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"a.b":         "a.b",
		"A.b:80":      "a.b",
		"a.b.":        "a.b",
		"a.b.:80":     "a.b",
		"[::1]":       "[::1]",
		"[::1]:80":    "[::1]",
		"":            "",
		":80":         "",
		"127.0.0.1:1": "127.0.0.1",
	} {
		if got := Normalize(in); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWeights(t *testing.T) {
	table := Compile([]Route{{Namespace: "n", Name: "r", Hosts: []string{"h"},
		Traffic: []Share{{Revision: "a", Weight: 1}, {Revision: "b", Weight: 9}, {Revision: "c", Weight: 90}}}}, revisions(t, "n/a", "n/b", "n/c"))
	const draws = 2 * v1alpha1.Whole
	got := map[string]int{}
	for range draws {
		got[table.Resolve(request{host: "h"}).Revision.Name]++
	}
	if want := (map[string]int{"a": draws / 100, "b": draws * 9 / 100, "c": draws * 9 / 10}); !maps.Equal(got, want) {
		t.Errorf("got %v of the requests, want exactly the weights %v", got, want)
	}
}

// TestDrawsAreRandom looks at who gets the odd requests and how many others come
// between two of one target: with independent draws one in ten follows at once.
func TestDrawsAreRandom(t *testing.T) {
	b := newBag()
	const draws = 10 * v1alpha1.Whole
	odd, again, last := 0, 0, false
	for i := range draws {
		chosen := b.draw() < v1alpha1.Whole/10
		if chosen && i%2 == 1 {
			odd++
		}
		if chosen && last {
			again++
		}
		last = chosen
	}
	// Five standard deviations.
	near(t, "odd requests of one in ten", odd, draws, 0.05, 5)
	near(t, "one right after another", again, draws, 0.01, 5)
}

// near checks that n of all is a share of it but for a number of standard
// deviations of a binomial distribution; five are passed by chance less than
// once in a million runs.
func near(t *testing.T, what string, n, all int, share, deviations float64) {
	t.Helper()
	margin := deviations * math.Sqrt(share*(1-share)/float64(all))
	if is := float64(n) / float64(all); math.Abs(is-share) > margin {
		t.Errorf("%s: %.4f, want %.4f±%.4f", what, is, share, margin)
	}
}

// FuzzPick checks that every draw of a split is taken by exactly the share
// that it belongs to.
func FuzzPick(f *testing.F) {
	f.Add(100, 0, 0, uint32(0))
	f.Add(1, 9, 90, uint32(10))
	f.Add(0, 50, 50, uint32(99))
	all := revisions(f, "n/a", "n/b", "n/c")
	f.Fuzz(func(t *testing.T, a, b, c int, draw uint32) {
		shares := []Share{{Revision: "a", Weight: a}, {Revision: "b", Weight: b}, {Revision: "c", Weight: c}}
		total := 0
		for i := range shares {
			shares[i].Weight = min(max(shares[i].Weight, -1), 1000)
			total += max(shares[i].Weight, 0)
		}
		s := compileSplit(Route{Namespace: "n", Traffic: shares}, all, nil)
		if int(s.total) != total {
			t.Fatalf("total %d, want %d", s.total, total)
		}
		if total == 0 {
			if s.only() != nil {
				t.Fatal("a revision without weight was drawn")
			}
			return
		}
		draw %= s.total
		rest := int(draw)
		for _, share := range shares {
			if w := max(share.Weight, 0); rest < w {
				if got := s.pick(draw).revision.Name; got != share.Revision {
					t.Fatalf("draw %d of %v: %s, want %s", draw, shares, got, share.Revision)
				}
				return
			} else {
				rest -= w
			}
		}
	})
}

func FuzzNormalize(f *testing.F) {
	for _, seed := range []string{"a.b", "A:1", "[::1]:2", "...", "é", "a..:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		got := Normalize(host)
		if strings.ContainsAny(got, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			t.Errorf("Normalize(%q) = %q has upper case", host, got)
		}
		if len(got) > 3*len(host) {
			t.Errorf("Normalize(%q) = %q grew", host, got)
		}
	})
}

// TestResolveAllocatesNothing for a Route that neither matches nor is sticky,
// with one target or two.
func TestResolveAllocatesNothing(t *testing.T) {
	for name, traffic := range map[string][]Share{
		"one": {{Revision: "a", Weight: 10000}},
		"two": {{Revision: "a", Weight: 9000}, {Revision: "b", Weight: 1000, Salt: "b", Budget: 1000}},
	} {
		table := Compile([]Route{{Namespace: "n", Name: "r", Hosts: []string{"h"}, Traffic: traffic}}, revisions(t, "n/a", "n/b"))
		var r Request = request{host: "h:8080"}
		if n := testing.AllocsPerRun(1000, func() {
			m := table.Resolve(r)
			m.Place.Arrive()
			m.Place.Leave(false)
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// BenchmarkResolve is what every request pays before it is led to a revision.
func BenchmarkResolve(b *testing.B) {
	all := revisions(b, "n/a", "n/b")
	for _, c := range []struct {
		name  string
		route Route
	}{
		{"one revision", Route{Traffic: []Share{{Revision: "a", Weight: 10000}}}},
		{"two", Route{Traffic: []Share{{Revision: "a", Weight: 9000}, {Revision: "b", Weight: 1000, Salt: "b"}}}},
		{"sticky by a header", Route{Traffic: []Share{{Revision: "a", Weight: 9000}, {Revision: "b", Weight: 1000, Salt: "b"}}, Sticky: &v1alpha1.Sticky{Header: "X-User"}}},
	} {
		c.route.Namespace, c.route.Name, c.route.Hosts = "n", "r", []string{"shop.localhost"}
		table := Compile([]Route{c.route}, all)
		var r Request = request{host: "shop.localhost:8080", header: map[string]string{"X-User": "4711"}}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Resolve(r)
			}
		})
	}
}
