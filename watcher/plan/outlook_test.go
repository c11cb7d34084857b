package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOutlooks(t *testing.T) {
	was := read(t, "a1", production+"  branches: [spike-*]\n", "k1 name: api\npreview: {public: true, forks: never}", "k1 name: web\npreview: true", "k1 name: old")
	is := read(t, "b2", "k1 name: shop\nenv: {DB: secret://shop-db/url, KEY: secret://shop-key/key}", "k2 name: api", "k1 name: web\nprot: 1", "k2 name: old")
	for _, tc := range []struct {
		branch string
		fork   bool
		want   string
	}{
		{"feat", false, "api as api-pr-<n>, without []\nshop as shop-pr-<n>, without [KEY]\nweb: web/headway.yaml:2:1: unknown key"},
		{"spike-1", false, "api as api-pr-<n>, without []\nshop as shop-br-spike-1, without [KEY]\nweb: "},
		{"feat", true, "api: api/headway.yaml: a fork gets no previews, as preview.forks is never\nshop as shop-pr-<n>, without [KEY]\nweb: "},
	} {
		var lines []string
		all := Outlooks(was, is, nil, tc.branch, tc.fork)
		for _, o := range all {
			lines = append(lines, o.String())
		}
		if got := strings.Join(lines, "\n"); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s:\n%s\nwant\n%s", tc.branch, got, tc.want)
		}
		shop := all[1]
		if diff := cmp.Diff(map[string]string{"shop-db": "shop-db-preview"}, shop.Secrets); diff != "" {
			t.Errorf("secrets (-want +got)\n%s", diff)
		}
		if shop.SameSource == tc.fork || shop.Template != "go" || all[0].Public != true || all[0].SameSource {
			t.Errorf("%+v", shop)
		}
	}
	base := read(t, "f0", "k1 name: shop\nenv: {DB: secret://shop-db/url, KEY: secret://shop-key/key}", "k2 name: api")
	if got := Outlooks(was, is, base, "feat", false); len(got) != 1 || got[0].App != "web" {
		t.Errorf("with a base that has it all: %v", got)
	}
}
