package plan

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// shared is a name that a file gives to an object, and the key where it does.
type shared struct {
	kind, name, key string
	// ofApp: it belongs to the file's app.
	ofApp bool
}

// names are those that a file gives to objects of the namespace.
func (c *Candidate) names() (all []shared) {
	o := c.Spec.Objects()
	for _, x := range o.Channels {
		all = append(all, shared{"Channel", x.Name, x.KeyOfName(), x.OfApp})
	}
	for _, x := range o.Sources {
		all = append(all, shared{"Source", x.Name, x.KeyOfName(), x.OfApp})
	}
	for _, x := range o.Subscriptions {
		all = append(all, shared{"Subscription", x.Name, x.KeyOfName(), x.OfApp})
	}
	return all
}

// taken is what a file declares under a name that is somebody else's; nil where
// there is nothing.
func (f Facts) taken(c *Candidate) *Problem {
	var at specfile.Problems
	told := map[string]bool{}
	for _, s := range c.names() {
		who := f.holder(s, c.Name)
		if who == "" || told[s.key] {
			continue
		}
		told[s.key] = true
		problem := c.Spec.Problem(s.key, fmt.Sprintf("the %s %q of this namespace %s; choose another name", s.kind, s.name, who))
		problem.File = c.File
		at = append(at, problem)
	}
	if at == nil {
		return nil
	}
	slices.SortStableFunc(at, func(a, b specfile.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &Problem{v1alpha1.ReasonNameConflict, at.Error()}
}

// holder is who else has the name; "" where nobody has.
func (f Facts) holder(s shared, app string) string {
	var own metav1.Object
	foreign := map[string]map[string]string{"Channel": f.ForeignChannels, "Source": f.ForeignSources, "Subscription": f.ForeignSubscriptions}[s.kind]
	switch s.kind {
	case "Channel":
		if c := f.Channels[s.name]; c != nil {
			own = c
		}
	case "Source":
		if c := f.Sources[s.name]; c != nil {
			own = c
		}
	case "Subscription":
		if c := f.Subscriptions[s.name]; c != nil {
			own = c
		}
	}
	if own != nil {
		if has := AppOf(own); has != "" && has != app {
			return Holder(own)
		}
	}
	return foreign[s.name]
}

// markShared: an object is named in one file; both files are at fault.
func markShared(candidates []*Candidate) {
	files := map[string][]string{}
	for _, c := range candidates {
		if c.Spec != nil {
			for _, s := range c.names() {
				files[s.kind+" "+s.name] = append(files[s.kind+" "+s.name], c.File)
			}
		}
	}
	for _, c := range candidates {
		if c.Spec == nil || c.Problem != nil {
			continue
		}
		var at []specfile.Problem
		told := map[string]bool{}
		for _, s := range c.names() {
			for _, other := range files[s.kind+" "+s.name] {
				if other != c.File && !told[s.key] {
					told[s.key] = true
					at = append(at, c.Spec.Problem(s.key, fmt.Sprintf("%s has the %s %q, too; each is in one file", other, s.kind, s.name)))
				}
			}
		}
		if at != nil {
			c.refuse(v1alpha1.ReasonNameConflict, at...)
		}
	}
}
