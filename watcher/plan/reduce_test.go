package plan

import (
	"fmt"
	"strings"
	"testing"
)

// TestWhatAPreviewMayTake: production's amounts bound those of a request.
func TestWhatAPreviewMayTake(t *testing.T) {
	const had, none = "resources: {cpu: 200m, memory: 256Mi}\nscale: {max: 5}", ""
	for _, tc := range []struct{ name, production, asks, want, told string }{
		{"as production", had, "resources: {cpu: 0.2, memory: 256Mi}\nscale: {max: 5}", "200m 256Mi 5", ""},
		{"less", had, "resources: {cpu: 100m, memory: 200M}\nscale: {max: 2}", "100m 200M 2", ""},
		{"more", had, "resources: {cpu: 64, memory: 1Ti}\nscale: {max: 6}", "200m 256Mi 5",
			"resources.cpu 64>200m resources.memory 1Ti>256Mi scale.max 6>5"},
		{"a byte more, in another unit", had, "resources: {memory: 268435457}\nscale: {max: 1}", " 256Mi 1", "resources.memory 268435457>256Mi"},
		{"no limit where production has one", had, "scale: {max: 5}", " 256Mi 5", "resources.memory >256Mi"},
		{"production asks for nothing, and so does it", none, none, "  20", ""},
		{"production asks for nothing", none, "resources: {cpu: 500m, memory: 512Mi}", "500m 512Mi 20", ""},
		{"... and it for a lot", none, "resources: {cpu: 501m, memory: 1Gi}", "500m 512Mi 20", "resources.cpu 501m>500m resources.memory 1Gi>512Mi"},
		{"production has one of the two", "resources: {cpu: 2}", "resources: {cpu: 3, memory: 513Mi}", "2 512Mi 20", "resources.cpu 3>2 resources.memory 513Mi>512Mi"},
		{"no pods without requests", none, "scale: {min: 3, standby: 2}", "  20", ""},
	} {
		for _, line := range []string{"1 feat b2", "1 feat b2 fork approved:b2"} {
			t.Run(tc.name+" "+line, func(t *testing.T) {
				p := Make(facts(read(t, "a1", "k1 name: shop\npreview: true\n"+tc.production), open(t, line, read(t, "b2", "k2 name: shop\n"+tc.asks))))
				if len(p.Previews) != 1 {
					t.Fatalf("%+v", p.Requests)
				}
				s := p.Previews[0].Revisions[0].From.Spec
				if got := fmt.Sprintf("%s %s %d", s.Resources.CPU, s.Resources.Memory, s.Scale.Max); got != tc.want || s.Scale.Min != 0 || s.Scale.Standby != 0 {
					t.Errorf("has %s, %+v; want %s", got, s.Scale, tc.want)
				}
				var told []string
				for _, r := range p.Previews[0].Spec.Preview.Reduced {
					told = append(told, r.Key, r.Asked+">"+r.Given)
				}
				if got := strings.Join(told, " "); got != tc.told {
					t.Errorf("told %s, want %s", got, tc.told)
				}
			})
		}
	}
}
