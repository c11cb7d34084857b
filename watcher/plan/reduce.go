package plan

import (
	"cmp"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// What one pod of a preview may ask for where production asks for nothing. Ten
// previews of that size, which is the default of preview.max, fit on one node of
// common size.
const (
	unstatedCPU    = "500m"
	unstatedMemory = "512Mi"
)

// reduce holds the amounts that a preview asks for to those of production, which
// the person who opens a request has no say in:
//
//	cpu, memory       production's at most, 500m and 512Mi where it has none
//	no memory         production's, as none is no limit; none where it has none
//	no cpu            none: it asks for nothing
//	scale.max         production's at most
//	scale.min         0, as the rules of previews have it
//	scale.standby     0
func (t *trial) reduce(production *specfile.Spec) {
	r, most := &t.spec.Resources, production.Resources
	if r.CPU != "" {
		t.quantity("resources.cpu", &r.CPU, cmp.Or(most.CPU, unstatedCPU))
	}
	if r.Memory != "" || most.Memory != "" {
		t.quantity("resources.memory", &r.Memory, cmp.Or(most.Memory, unstatedMemory))
	}
	scale := &t.spec.Scale
	if asked := scale.Max; asked > production.Scale.Max {
		scale.Max = production.Scale.Max
		t.tell("scale.max", strconv.Itoa(int(asked)), strconv.Itoa(int(scale.Max)))
	}
	scale.Min, scale.Standby = 0, 0
}

// quantity holds one of a request's file to the most that it may be. Both have
// been read as quantities; an empty one is no limit.
func (t *trial) quantity(key string, is *string, most string) {
	if asked := *is; asked == "" || more(asked, most) {
		*is = most
		t.tell(key, asked, most)
	}
}

func more(a, b string) bool {
	x, y := resource.MustParse(a), resource.MustParse(b)
	return x.Cmp(y) > 0
}

func (t *trial) tell(key, asked, given string) {
	t.reduced = append(t.reduced, v1alpha1.Reduction{Key: key, Asked: asked, Given: given})
}
