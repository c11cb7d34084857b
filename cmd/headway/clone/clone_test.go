package clone

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChooseRemote(t *testing.T) {
	for _, c := range []struct {
		upstream string
		remotes  []string
		want     string
	}{
		{"fork", []string{"origin", "fork"}, "fork"},
		{".", []string{"origin", "fork"}, "origin"},
		{"", []string{"hub"}, "hub"},
		{"", []string{"a", "b"}, "error: this clone has the remotes a and b"},
		{"", nil, "error: this clone has no remote"},
	} {
		got, err := chooseRemote(c.upstream, c.remotes)
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%q of %q: %q, want %q", c.upstream, c.remotes, got, c.want)
		}
	}
}

func TestParseAdvertisement(t *testing.T) {
	got := parseAdvertisement("ref: refs/heads/trunk\tHEAD\n11\tHEAD\n11\trefs/heads/trunk\n22\trefs/tags/v1\n11\trefs/tags/v1^{}\n")
	want := Advertisement{Head: "refs/heads/trunk", Refs: map[string]string{"HEAD": "11", "refs/heads/trunk": "11", "refs/tags/v1": "11"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
