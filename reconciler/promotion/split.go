package promotion

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// weigh gives each revision its part of the traffic, and its role.
func (d *deciding) weigh(out *Decision) {
	rest := int32(v1alpha1.Whole)
	for _, t := range d.shares {
		rest -= t.Weight
	}
	live := v1alpha1.RevisionRole{Name: d.live, Role: v1alpha1.RoleLive, Weight: rest, Since: metav1.NewMicroTime(d.since)}
	if c := d.candidate; c != nil {
		live.Weight, live.Warm = rest-c.Weight, c.Weight > 0
	}
	if d.live != "" {
		out.Traffic = append(out.Traffic, v1alpha1.TrafficTarget{Revision: d.live, Weight: live.Weight})
		out.Roles = append(out.Roles, live)
	}
	if c := d.candidate; c != nil {
		d.include(out, c, v1alpha1.RoleCandidate, c.Revision)
	}
	for _, t := range d.shares {
		d.include(out, t, v1alpha1.RoleShare, t.Ref)
	}
	if d.kept != "" && d.live != "" {
		out.Traffic = append(out.Traffic, v1alpha1.TrafficTarget{Revision: d.kept})
		out.Roles = append(out.Roles, v1alpha1.RevisionRole{Name: d.kept, Role: v1alpha1.RoleKept, Warm: true, Since: metav1.NewMicroTime(d.keptSince)})
	}
	d.mark(out)
}

// include adds the target and the role of a trial. One that copies go to keeps
// its pods.
func (d *deciding) include(out *Decision, t *trial, role v1alpha1.Role, salt string) {
	rule := &t.head.Rule
	if t.Weight > 0 {
		target := v1alpha1.TrafficTarget{Revision: t.Revision, Weight: t.Weight, Salt: salt}
		if rule.Gates != nil {
			target.Budget = rule.Gates.Budget
		}
		out.Traffic = append(out.Traffic, target)
	}
	mirrored := out.Mirror == nil && rule.Mirror > 0 && t.revision.Ready && d.live != ""
	if mirrored {
		out.Mirror = &v1alpha1.RouteMirror{Revision: t.Revision, Weight: rule.Mirror}
	}
	if t.coming <= t.Weight {
		t.coming = 0
	}
	out.Roles = append(out.Roles, v1alpha1.RevisionRole{
		Name: t.Revision, Role: role, Weight: t.Weight, Coming: t.coming, Warm: mirrored && t.Weight == 0, Since: t.Began,
	})
}

// mark adds who has failed and would be tried next, without weight, so that the
// split alone tells that.
func (d *deciding) mark(out *Decision) {
	add := func(name, salt string) {
		has := func(t v1alpha1.TrafficTarget) bool { return t.Revision == name }
		if d.quarantine(name) >= 0 && len(out.Traffic) > 0 && !slices.ContainsFunc(out.Traffic, has) {
			out.Traffic = append(out.Traffic, v1alpha1.TrafficTarget{Revision: name, Salt: salt})
		}
	}
	add(d.Pin, d.Pin)
	for _, name := range d.History {
		if name == d.live || d.quarantine(name) >= 0 {
			add(name, name)
			break
		}
	}
	for _, head := range d.Shares {
		add(head.Revision, head.Ref)
	}
}

// matches lists the requests that go to heads of branches before any split.
func (d *deciding) matches(out *Decision) {
	for _, t := range d.shares {
		if match := t.head.Rule.Match; match != nil && t.Step > 0 {
			out.Matches = append(out.Matches, v1alpha1.RouteMatch{Match: *match, Revision: t.Revision})
		}
	}
}
