package table

import (
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestMatches: the first that fits wins, in front of the split; one whose
// revision does not exist is passed over.
func TestMatches(t *testing.T) {
	to := func(revision string, m v1alpha1.Match) v1alpha1.RouteMatch {
		return v1alpha1.RouteMatch{Revision: revision, Match: m}
	}
	table := Compile([]Route{{Namespace: "n", Name: "shop", App: "shop", Hosts: []string{"h"},
		Traffic: []Share{{Revision: "stable", Weight: v1alpha1.Whole}},
		Matches: []v1alpha1.RouteMatch{
			to("gone", v1alpha1.Match{Header: map[string]string{"X-Beta": "yes"}}),
			to("beta", v1alpha1.Match{Header: map[string]string{"X-Beta": "yes"}}),
			to("feature", v1alpha1.Match{Header: map[string]string{"X-Beta": "y*"}, Cookie: map[string]string{"group": "*"}}),
			to("next", v1alpha1.Match{Method: "OPTIONS", Cookie: map[string]string{"group": "a*"}}),
		},
		RevisionHosts: map[string]string{"stable.h": "stable"},
	}}, shopRevisions(t))
	beta := map[string]string{"X-Beta": "yes"}
	for _, c := range []struct {
		name string
		request
		want  string
		split bool
	}{
		{"nothing fits", request{}, "stable", true},
		{"exact", request{header: beta}, "beta", false},
		{"exact is not a prefix", request{header: map[string]string{"X-Beta": "yes!"}}, "stable", true},
		{"values differ in case", request{header: map[string]string{"X-Beta": "Yes"}}, "stable", true},
		{"prefix, and a cookie that is there", request{header: map[string]string{"X-Beta": "y"}, cookie: map[string]string{"group": ""}}, "feature", false},
		{"one of two", request{header: map[string]string{"X-Beta": "y"}}, "stable", true},
		{"method and a prefix", request{method: "OPTIONS", cookie: map[string]string{"group": "a1"}}, "next", false},
		{"another method", request{method: "GET", cookie: map[string]string{"group": "a1"}}, "stable", true},
		{"empty", request{method: "OPTIONS", cookie: map[string]string{"group": ""}}, "stable", true},
		{"a host of a revision", request{host: "stable.h", header: beta}, "stable", false},
	} {
		if c.host == "" {
			c.host = "h"
		}
		if m := table.Resolve(c.request); m.Revision.Name != c.want || m.Split != c.split {
			t.Errorf("%s: %s, split %v, want %s, %v", c.name, m.Revision.Name, m.Split, c.want, c.split)
		}
	}
}
