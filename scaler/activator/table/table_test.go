package table

import (
	"math"
	"strings"
	"testing"
	"time"

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

func TestResolve(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	table := Compile([]Route{
		{Namespace: "default", Name: "shop", App: "shop", Created: day(2), Hosts: []string{"shop.localhost"},
			Traffic:       []Share{{"shop-1", 100}, {"shop-0", 0}},
			RevisionHosts: map[string]string{"shop-0.localhost": "shop-0", "shop-9.localhost": "shop-9"}},
		{Namespace: "team", Name: "shop", App: "shop", Created: day(3), Hosts: []string{"shop.team.localhost"}, Traffic: []Share{{"shop-1", 100}}},
		{Namespace: "team", Name: "late", App: "late", Created: day(4), Hosts: []string{"shop.localhost"}, Traffic: []Share{{"shop-1", 100}}},
		{Namespace: "default", Name: "new", App: "new", Created: day(1), Hosts: []string{"new.localhost"}},
		{Namespace: "default", Name: "half", App: "half", Created: day(1), Hosts: []string{"half.localhost"},
			Traffic: []Share{{"missing", 50}, {"shop-1", 50}}},
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
		m := table.Resolve(c.host)
		if m.Known != c.known || name(m.Revision) != c.revision {
			t.Errorf("%q: known %v, revision %q; want %v, %q", c.host, m.Known, name(m.Revision), c.known, c.revision)
		}
	}
	if m := table.Resolve("shop-9.localhost"); m.Name != "shop-9" || m.App != "shop" {
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
		Traffic: []Share{{"a", 1}, {"b", 9}, {"c", 90}}}}, revisions(t, "n/a", "n/b", "n/c"))
	const draws = 100_000
	got := map[string]float64{}
	for range draws {
		got[table.Resolve("h").Revision.Name]++
	}
	for revision, share := range map[string]float64{"a": 0.01, "b": 0.09, "c": 0.9} {
		// Five standard deviations of a binomial distribution: fails by chance
		// less than once in a million runs.
		margin := 5 * math.Sqrt(share*(1-share)/draws)
		if is := got[revision] / draws; math.Abs(is-share) > margin {
			t.Errorf("%s got %.4f of the requests, want %.2f±%.4f", revision, is, share, margin)
		}
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
		shares := []Share{{"a", a}, {"b", b}, {"c", c}}
		total := 0
		for i := range shares {
			shares[i].Weight = min(max(shares[i].Weight, -1), 1000)
			total += max(shares[i].Weight, 0)
		}
		s := compileSplit(Route{Namespace: "n", Traffic: shares}, all)
		if int(s.total) != total {
			t.Fatalf("total %d, want %d", s.total, total)
		}
		if total == 0 {
			if s.draw() != nil {
				t.Fatal("a revision without weight was drawn")
			}
			return
		}
		draw %= s.total
		rest := int(draw)
		for _, share := range shares {
			if w := max(share.Weight, 0); rest < w {
				if got := s.pick(draw).Name; got != share.Revision {
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

func BenchmarkResolve(b *testing.B) {
	all := revisions(b, "n/a", "n/b")
	table := Compile([]Route{{Namespace: "n", Name: "r", Hosts: []string{"shop.localhost"}, Traffic: []Share{{"a", 10}, {"b", 90}}}}, all)
	b.ReportAllocs()
	for b.Loop() {
		table.Resolve("shop.localhost:8080")
	}
}
