package promotion

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// recall reads what is in force: the split, and the roles as far as they hold.
// The split is the truth about who serves and who is kept, as a process may have
// died before it wrote the roles; about the quarantine the roles are. If the
// split is lost, the roles tell what it was.
func (d *deciding) recall() {
	if len(d.Serving) == 0 {
		d.Serving = d.remembered()
	}
	if d.live = Live(d.Serving); !d.exists(d.live) {
		d.live = ""
	}
	for _, t := range d.Serving {
		if t.Weight == 0 && t.Salt == "" && t.Revision != d.live && d.exists(t.Revision) {
			d.kept = t.Revision
		}
	}
	d.since, d.keptSince = d.Now, d.Now
	for _, r := range d.Roles {
		switch {
		case r.Role == v1alpha1.RoleQuarantined:
			d.recallQuarantined(r)
		case r.Role == v1alpha1.RoleLive && r.Name == d.live:
			d.since = r.Since.Time
		case r.Name == d.kept:
			d.keptSince = r.Since.Time
		}
	}
	for _, t := range d.Serving {
		if t.Weight == 0 && t.Salt != "" {
			d.recallFailed(t.Revision)
		}
	}
}

func (d *deciding) exists(name string) bool {
	_, exists := d.Revisions[name]
	return exists
}

// remembered is the split as the roles have it.
func (d *deciding) remembered() (traffic []v1alpha1.TrafficTarget) {
	for _, r := range d.Roles {
		target := v1alpha1.TrafficTarget{Revision: r.Name, Weight: r.Weight}
		switch {
		case r.Role == v1alpha1.RoleLive, r.Role == v1alpha1.RoleKept && r.Warm:
		case r.Role == v1alpha1.RoleCandidate && r.Weight > 0:
			target.Salt = r.Name
		case r.Role == v1alpha1.RoleShare && r.Weight > 0:
			target.Salt = d.refOf(r.Name)
		default:
			continue
		}
		traffic = append(traffic, target)
	}
	return traffic
}

// refOf is the ref of a revision's trial.
func (d *deciding) refOf(name string) string {
	for _, t := range d.Trials {
		if t.Revision == name {
			return t.Ref
		}
	}
	return name
}

// recallQuarantined keeps a revision out, unless it is gone or a person has asked
// for it since.
func (d *deciding) recallQuarantined(r v1alpha1.RevisionRole) {
	rev, exists := d.Revisions[r.Name]
	pinned := r.Name == d.Pin
	if !exists || rev.Retried != r.Retried || pinned && !r.Pinned {
		return
	}
	r.Pinned = pinned // a later pin is a new order
	d.quarantined = append(d.quarantined, r)
}

// recallFailed keeps out a revision that the split marks as failed, where no
// role says more of it: that was not written, or is lost. One that was let in
// again has a trial before its first step.
func (d *deciding) recallFailed(name string) {
	has := func(r v1alpha1.RevisionRole) bool { return r.Name == name && r.Role == v1alpha1.RoleQuarantined }
	begins := func(t v1alpha1.Trial) bool { return t.Revision == name && t.Step == 0 }
	if !d.exists(name) || slices.ContainsFunc(d.Roles, has) || slices.ContainsFunc(d.Trials, begins) {
		return
	}
	d.quarantined = append(d.quarantined, v1alpha1.RevisionRole{
		Name: name, Role: v1alpha1.RoleQuarantined, Since: metav1.NewMicroTime(d.Now), Pinned: name == d.Pin, Retried: d.Revisions[name].Retried,
		Message: "it has failed, and the record of why is lost",
	})
	d.failed = append(d.failed, name)
}

// quarantine is the place of a revision among the quarantined; -1: it is none.
func (d *deciding) quarantine(name string) int {
	return slices.IndexFunc(d.quarantined, func(r v1alpha1.RevisionRole) bool { return r.Name == name })
}

// served is the weight that a target has in the split that is in force.
func (d *deciding) served(revision, salt string) int32 {
	for _, t := range d.Serving {
		if t.Revision == revision && t.Salt == salt {
			return t.Weight
		}
	}
	return 0
}

// rest is what shares leave in the split that is in force.
func (d *deciding) rest() int32 {
	rest := int32(v1alpha1.Whole)
	for _, t := range d.Serving {
		if t.Salt != "" && t.Salt != t.Revision {
			rest -= t.Weight
		}
	}
	return max(rest, 1)
}
