package buildqueue

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// builds reads "namespace/repository@minute", of which each is one build, with
// "p" behind for a preview and "e" for one that has ended.
func builds(text string) []Build {
	var out []Build
	for _, field := range strings.Fields(text) {
		b := Build{Name: field}
		rest := strings.TrimSuffix(field, "p")
		b.Preview = rest != field
		field = rest
		rest = strings.TrimSuffix(field, "e")
		b.Ended = rest != field
		whose, minute, _ := strings.Cut(rest, "@")
		b.Namespace, b.Repository, _ = strings.Cut(whose, "/")
		n, err := strconv.Atoi(minute)
		if err != nil {
			panic(err)
		}
		b.Since = time.Unix(int64(n)*60, 0)
		out = append(out, b)
	}
	return out
}

func names(builds []Build) string {
	var out []string
	for _, b := range builds {
		out = append(out, b.Name)
	}
	return strings.Join(out, " ")
}

func TestOrder(t *testing.T) {
	for _, tc := range []struct {
		name, waiting, started string
		most                   int
		want                   string
	}{
		{"nobody waits", "", "a/x@1", 9, ""},
		{"the oldest of a repository goes first", "a/x@3 a/x@1 a/x@2", "", 9, "a/x@1 a/x@2 a/x@3"},
		{"repositories take turns", "a/x@1 a/x@2 a/x@3 a/y@8 a/z@9", "", 9, "a/x@1 a/y@8 a/z@9 a/x@2 a/x@3"},
		{"namespaces take turns, whatever repositories they have", "a/x@1 a/y@2 a/z@3 b/x@9 b/x@10", "", 9, "a/x@1 b/x@9 a/y@2 b/x@10 a/z@3"},
		{"who has a slot is next after who has none", "a/x@1 a/y@2", "a/x@5", 9, "a/y@2 a/x@1"},
		{"a namespace that has a slot, too", "a/x@1 b/x@2", "a/y@5", 9, "b/x@2 a/x@1"},
		{"two slots weigh more than one", "a/x@1 b/x@2 b/x@3", "a/y@5 a/z@5 b/y@5", 9, "b/x@2 a/x@1 b/x@3"},
		{"with one slot, who had the last turn comes last", "a/x@1 a/y@2 a/z@3", "a/x@5e a/y@4e", 9, "a/z@3 a/y@2 a/x@1"},
		{"who had the last turn, among namespaces", "a/x@1 b/x@2", "a/y@7e b/x@6e", 9, "b/x@2 a/x@1"},
		{"among those of one second, who had more turns in it", "a/x@1 a/y@2", "a/y@7e a/x@7e a/x@7e", 9, "a/y@2 a/x@1"},
		{"previews come after production", "a/x@1p a/x@2 a/y@3 a/y@4p", "", 9, "a/x@2 a/y@3 a/x@1p a/y@4p"},
		{"even if the repository of the preview had fewer turns", "a/x@1p a/y@2", "a/y@1", 9, "a/y@2 a/x@1p"},
		{"but not after production of another namespace", "a/x@1 a/x@2 b/x@3p", "", 9, "a/x@1 b/x@3p a/x@2"},
		{"only the first are asked for", "a/x@1 a/x@2 a/x@3", "", 2, "a/x@1 a/x@2"},
		{"what is under way waits no more", "a/x@1 a/x@2", "a/x@1", 9, "a/x@2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			waiting := builds(tc.waiting)
			if diff := cmp.Diff(tc.want, names(Order(waiting, builds(tc.started), tc.most))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if names(waiting) != tc.waiting {
				t.Errorf("what was given is changed: %s", names(waiting))
			}
		})
	}
}

// TestEqualBuildsAreOne, and for production if one of them is.
func TestEqualBuildsAreOne(t *testing.T) {
	waiting := builds("a/x@1p a/y@2p a/x@3")
	waiting[0].Name, waiting[2].Name = "same", "same"
	if got := names(Order(waiting, nil, 9)); got != "same a/y@2p" {
		t.Errorf("the order is %s", got)
	}
}

// TestEverybodyHasTurns: whoever pushes how much, and however long builds take, a
// namespace without a build is passed by each other one once at most.
func TestEverybodyHasTurns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		const slots = 2
		var waiting, started []Build
		for i := range 30 {
			waiting = append(waiting, builds(fmt.Sprintf("n%d/r%d@%d", random.IntN(4), random.IntN(3), i))...)
		}
		passed := map[[2]string]int{} // by who waits and who has had a turn
		for minute := 100; len(waiting) > 0; minute++ {
			if under := underWay(started); len(under) == slots {
				under[random.IntN(slots)].Ended = true
			}
			next := Order(waiting, started, 1)[0]
			next.Since = time.Unix(int64(minute)*60, 0)
			started = append(started, next)
			waiting = slices.DeleteFunc(waiting, func(b Build) bool { return b.Name == next.Name })
			has := map[string]bool{}
			for _, b := range underWay(started) {
				has[b.Namespace] = true
			}
			waits := map[string]bool{}
			for _, b := range waiting {
				waits[b.Namespace] = !has[b.Namespace]
			}
			for namespace := range waits {
				pair := [2]string{namespace, next.Namespace}
				if passed[pair]++; !waits[namespace] {
					passed[pair] = 0
				}
				if passed[pair] > 1 {
					t.Fatalf("%s has had two turns while %s had no build", next.Namespace, namespace)
				}
			}
			maps.DeleteFunc(passed, func(pair [2]string, _ int) bool { return !waits[pair[0]] })
		}
	}
}

func underWay(started []Build) []*Build {
	var under []*Build
	for i := range started {
		if !started[i].Ended {
			under = append(under, &started[i])
		}
	}
	return under
}
