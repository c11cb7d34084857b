package plan

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/api/window"
	"github.com/headway-dev/headway/cmd/headway/checkout"
	planner "github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/tree"
)

// Plan is what a push would do.
type Plan struct {
	// Ref that would be pushed, and the remote; Production is the branch whose
	// head serves.
	Ref        string `json:"ref"`
	Remote     string `json:"remote"`
	Production string `json:"production"`
	// Uncommitted: there are changes that are in no commit yet. They count.
	Uncommitted bool `json:"uncommitted,omitempty"`
	// Unasked is why no cluster has said what is there.
	Unasked string `json:"unasked,omitempty"`
	// Apps by name.
	Apps []App `json:"apps"`
	// Channels and Sources of the repository that change, by name.
	Channels []Change `json:"channels,omitempty"`
	Sources  []Change `json:"sources,omitempty"`
	// Topology is where events come from and go to, drawn where a push changes it.
	Topology string `json:"topology,omitempty"`
	// Warnings are about events that get lost or go in a loop; nothing is refused
	// for them.
	Warnings []string `json:"warnings,omitempty"`
}

// Outcome is what a push does to an app.
type Outcome string

// Outcomes.
const (
	Unchanged  Outcome = "unchanged"  // nothing at all
	Ruled      Outcome = "ruled"      // no new version; other rules hold for it
	Subscribed Outcome = "subscribed" // no new version; other sources or subscriptions
	Builds     Outcome = "builds"     // a new version with a new image
	Reuses     Outcome = "reuses"     // a new version with an image that is there
	Runs       Outcome = "runs"       // a new version with the image that is given
	Returns    Outcome = "returns"    // a version that is there already
	Refused    Outcome = "refused"    // what is live stays
	Removed    Outcome = "removed"    // the app goes
)

// App is what a push does to one app.
type App struct {
	App     string  `json:"app"`
	File    string  `json:"file"`
	Outcome Outcome `json:"outcome"`
	// Revision that is made, or gone back to; empty while it has no name, as its
	// commit is not made yet. Image is where its image comes from.
	Revision string `json:"revision,omitempty"`
	Image    string `json:"image,omitempty"`
	// Changed are the files that make the difference: sources and headway.yaml.
	Changed []string `json:"changed,omitempty"`
	// Rule by which its traffic moves; nil where none moves.
	Rule *explain.Rule `json:"rule,omitempty"`
	// Waits is what is in the way of that now.
	Waits []string `json:"waits,omitempty"`
	// Live is the traffic now, Replaces a candidate that gives way; both as the
	// cluster says.
	Live     string `json:"live,omitempty"`
	Replaces string `json:"replaces,omitempty"`
	// Preview of it that a branch has, or would have.
	Preview *Preview `json:"preview,omitempty"`
	// Sources and Subscriptions of it that change.
	Sources       []Change `json:"sources,omitempty"`
	Subscriptions []Change `json:"subscriptions,omitempty"`
	// Problem is why it is refused or goes.
	Problem string `json:"problem,omitempty"`
}

// urlOnly is the kind of rule for a branch that none names.
const urlOnly = "url only"

// refused reports whether an app is, or its preview.
func (p *Plan) refused() bool {
	return slices.ContainsFunc(p.Apps, func(a App) bool {
		return a.Outcome == Refused || a.Preview != nil && a.Preview.Refused
	})
}

// facts are what watcher/plan decides by, with what would be pushed in its
// place.
func (s *observed) facts(w world, pushed point) planner.Facts {
	f := planner.Facts{Repository: w.repository, ProductionRef: s.production, Production: s.base.snapshot,
		Others: maps.Clone(s.releases), Tags: planner.ReadTags(s.tags),
		Apps: w.apps, Foreign: w.foreign, Read: w.read, Revisions: w.revisions, Pinned: s.pins, Eventing: w.Eventing}
	switch {
	case s.ref == s.production:
		f.Production = pushed.snapshot
	case pushed.snapshot != nil:
		f.Others[s.ref] = pushed.snapshot
	}
	return f
}

// plan decides. w is what is there; where no cluster has said so, it is what
// follows from what the remote has.
func (s *observed) plan(w world, now time.Time) *Plan {
	if w.repository == "" {
		w = world{}
		if before := s.facts(w, s.was); before.Production != nil {
			w = after(planner.Make(before))
		}
	}
	made := planner.Make(s.facts(w, s.pushed))
	p := &Plan{Ref: s.ref, Remote: s.remote, Production: v1alpha1.ShortRef(s.production), Uncommitted: s.dirty, Apps: s.refusals(made)}
	refused, previews := map[string]bool{}, s.previews(w)
	for _, a := range p.Apps {
		refused[a.App] = true
	}
	for _, a := range made.Apps {
		if c := s.pushed.snapshot.App(a.Name); c != nil && !refused[a.Name] {
			out := s.app(a, c, w, now)
			out.Preview = previews[a.Name]
			p.Apps = append(p.Apps, out)
		}
	}
	for _, r := range made.Remove {
		p.Apps = append(p.Apps, App{App: r.App, File: w.apps[r.App].Spec.Path, Outcome: Removed, Problem: r.Why, Live: w.apps[r.App].Status.TrafficSummary})
	}
	slices.SortFunc(p.Apps, func(a, b App) int { return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.File, b.File)) })
	s.eventing(p, made, w)
	return p
}

// refusals are the files that cannot be used.
func (s *observed) refusals(made planner.Plan) []App {
	apps := []App{}
	if s.ref == s.production {
		for _, file := range made.Files {
			if file.Error != "" {
				apps = append(apps, App{App: file.Name, File: file.Path, Outcome: Refused, Problem: file.Error})
			}
		}
		return apps
	}
	for _, c := range s.pushed.snapshot.Apps {
		if c.Problem != nil && !c.Template {
			apps = append(apps, App{App: c.Name, File: c.File, Outcome: Refused, Problem: c.Problem.Message})
		}
	}
	return apps
}

// app is what becomes of an app that can be used.
func (s *observed) app(a planner.App, c *planner.Candidate, w world, now time.Time) App {
	out := App{App: a.Name, File: c.File, Outcome: Unchanged}
	prior := w.apps[a.Name]
	if prior == nil {
		prior = &v1alpha1.App{}
	}
	out.Live = prior.Status.TrafficSummary
	revision, had := head(a.Spec, s.ref), head(prior.Spec, s.ref)
	if s.ref != s.production && revision == head(a.Spec, s.production) {
		return out // it is production's, too
	}
	if revision == had {
		if s.ref == s.production && !reflect.DeepEqual(rules(a.Spec), rules(prior.Spec)) {
			out.Outcome, out.Changed = Ruled, []string{c.File}
			s.traffic(&out, a, prior, now)
		}
		return out
	}
	out.Changed = s.changed(c)
	out.Outcome, out.Image, out.Revision = Returns, "no build: the revision is there", revision
	if i := slices.IndexFunc(a.Revisions, func(r planner.Revision) bool { return r.Name == revision }); i >= 0 {
		out.Outcome, out.Image = source(a.Revisions[i], w.revisions)
	}
	if s.dirty && out.Outcome != Returns {
		out.Revision = ""
	}
	s.traffic(&out, a, prior, now)
	return out
}

// source says where the image of a new revision comes from.
func source(r planner.Revision, there []*v1alpha1.Revision) (Outcome, string) {
	build := r.From.App.Build
	if build == nil {
		return Runs, "no build: the image is given"
	}
	for _, other := range there {
		if other.BuildApp() == r.From.Name && other.Spec.Source.Key == r.Source().Key && reflect.DeepEqual(other.Spec.Build, build) {
			return Reuses, "no build: that of " + other.Name + ", which was built from the same files"
		}
	}
	return Builds, checkout.Made(r.From.App)
}

// traffic says how traffic moves to the revision of the pushed ref, and what is
// in the way.
func (s *observed) traffic(out *App, a planner.App, prior *v1alpha1.App, now time.Time) {
	rule := a.Spec.RuleFor(s.ref)
	serves := s.ref == a.Spec.ProductionRef
	e := explain.ForRule(rule)
	switch {
	case serves && len(prior.Spec.History) == 0:
		// Only an approval is asked for: there is nothing that it could be worse than.
		first := &v1alpha1.Rule{}
		if rule != nil {
			first.Refs, first.Approve = rule.Refs, rule.Approve
		}
		kind := e.Kind
		e = explain.ForRule(first)
		e.Kind = kind
		e.Traffic = "100% as soon as it is ready, as nothing is live yet"
	case !serves && rule == nil:
		plain, own := address.Branch(a.Name, s.ref)
		e = explain.Rule{Kind: urlOnly, Traffic: fmt.Sprintf("none, as %s; its own URL only, at the host %s.<domain>", s.noTraffic(a.Spec), cmp.Or(plain, own))}
	case out.Outcome != Ruled:
		out.Waits = inTheWay(a, rule, now)
		for _, t := range prior.Status.Trials {
			if t.Ref == s.ref {
				out.Replaces = fmt.Sprintf("%s, which is at %s", t.Revision, v1alpha1.Percent(t.Weight))
			}
		}
	}
	out.Rule = &e
	if a.Spec.Problem != nil {
		out.Waits = append(out.Waits, a.Spec.Problem.Message)
	}
}

// noTraffic is why the head of the pushed ref gets none.
func (s *observed) noTraffic(spec v1alpha1.AppSpec) string {
	if s.ref == s.production {
		return fmt.Sprintf("tags are released, of which %s is the newest", v1alpha1.ShortRef(spec.ProductionRef))
	}
	return "no rule of release names it"
}

// inTheWay is what stops a version that would go forward.
func inTheWay(a planner.App, rule *v1alpha1.Rule, now time.Time) []string {
	var all []string
	if a.Spec.Pin != "" {
		all = append(all, fmt.Sprintf("the pin: %s keeps all traffic until headway resume %s", a.Spec.Pin, a.Name))
	}
	if a.Spec.Hold {
		all = append(all, fmt.Sprintf("the hold: nothing goes forward until headway resume %s", a.Name))
	}
	if rule != nil {
		// A window that cannot be read is a problem of the file.
		if text, end, err := window.Within(rule.Freeze, now); err == nil && text != "" {
			all = append(all, fmt.Sprintf("the freeze %q, until %s", text, end.UTC().Format("2006-01-02 15:04Z")))
		}
	}
	return all
}

// head is the revision of a ref; empty if it has none.
func head(spec v1alpha1.AppSpec, ref string) string {
	for _, h := range spec.Heads {
		if h.Ref == ref {
			return h.Revision
		}
	}
	return ""
}

// rules are what a headway.yaml says that makes no new revision.
func rules(spec v1alpha1.AppSpec) v1alpha1.AppSpec {
	return v1alpha1.AppSpec{Release: spec.Release, Sticky: spec.Sticky, Hold: spec.Hold, Pin: spec.Pin, Hosts: spec.Hosts}
}

// changed are the files of an app that differ from what the remote has: under
// the ref that is pushed, or on production where that is new.
func (s *observed) changed(c *planner.Candidate) []string {
	was := s.was
	if was.snapshot == nil {
		was = s.base
	}
	is, before := sources(c, s.pushed.files), map[string]tree.File{}
	if was.snapshot != nil {
		if old := was.snapshot.App(c.Name); old != nil {
			before = sources(old, was.files)
		}
	}
	var all []string
	for name, f := range is {
		if before[name] != f {
			all = append(all, name)
		}
	}
	for name := range maps.Keys(before) {
		if _, stays := is[name]; !stays {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// sources are the files that decide about an app, with its headway.yaml.
func sources(c *planner.Candidate, files *tree.Commit) map[string]tree.File {
	out := map[string]tree.File{}
	for _, f := range planner.SourceFiles(c.App, files) {
		out[f.Path] = f
	}
	if f, there := files.File(c.File); there {
		out[c.File] = f
	}
	return out
}
