package watcher

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// maxHistory is how many revisions of the production ref an App remembers.
const maxHistory = 20

// maxFileError is the longest error of one file in a Repository's status: 500
// files fit into an object. The App has all of it.
const maxFileError = 1000

// facts are everything that a plan follows from. Planning changes none of it.
type facts struct {
	repository    string
	productionRef string
	production    *snapshot
	// others are the commits of the further refs, by full ref name.
	others map[string]*snapshot
	// apps are the Repository's Apps by name; foreign maps the names of Apps
	// of other Repositories in the namespace to the Repository.
	apps    map[string]*v1alpha1.App
	foreign map[string]string
	// leaving are the names of Apps that an earlier Repository of the same name
	// has left behind, on their way out.
	leaving map[string]bool
	// read are the paths of the headway.yaml files that the last look has read.
	read map[string]bool
	// revisions are the Repository's Revisions that are not being deleted.
	revisions []*v1alpha1.Revision
	// pinned are commits that were read because they are pinned, by what
	// pinsToRead gave; nil for one that the remote does not have.
	pinned map[string]*snapshot
	// unread are the further refs and the pins whose commits cannot be read,
	// and why.
	unread map[string]*problem
	// omitted says what of the remote was not looked at.
	omitted []problem
}

// refuse puts a problem in the place of what a new Revision would be made
// from, in every ref that points at its commit.
func (f *facts) refuse(n newRevision, why *problem) *snapshot {
	refused := n.snapshot.refuse(n.from.file, why)
	if f.production == n.snapshot {
		f.production = refused
	}
	for _, snapshots := range []map[string]*snapshot{f.others, f.pinned} {
		for key, s := range snapshots {
			if s == n.snapshot {
				snapshots[key] = refused
			}
		}
	}
	return refused
}

// plan is what has to be so.
type plan struct {
	apps []appPlan
	// remove are the Apps that go.
	remove []removal
	// files are the headway.yaml files of the production commit, for the
	// status.
	files []v1alpha1.RepositoryApp
	// problems of those files, in the same order, and then those of further
	// refs; reason and message.
	problems []problem
	// templates are the files that are skipped as models of a headway.yaml.
	templates []string
}

// appPlan is one App and the Revisions to make for it.
type appPlan struct {
	name      string
	spec      v1alpha1.AppSpec
	revisions []newRevision
}

// newRevision is a Revision to make.
type newRevision struct {
	name     string
	ref      string
	snapshot *snapshot
	from     *candidate
}

// makePlan decides. Rules for a headway.yaml on production:
//
//	it is valid                 the App is as the file says
//	... is not                  an App that runs stays, with a problem; none is made
//	... has a name taken        as not valid, for every file with that name
//	... is a model of one       skipped, unless it has made an App
//	... is one too many         as not valid, and told once for all of them
//	no file names the App       removal.go
//	a further ref               is a head of the Apps that production has
func makePlan(f facts) plan {
	var p plan
	files := f.openFiles()
	keep := map[string]bool{}
	for i := range f.production.apps {
		c := &f.production.apps[i]
		name, trouble := f.check(c, files)
		if c.template && name == "" {
			p.templates = append(p.templates, c.file)
			continue
		}
		if trouble == nil {
			var planned appPlan
			if planned, trouble = f.planApp(name, c); trouble == nil {
				p.apps = append(p.apps, planned)
			}
		}
		if trouble != nil && f.apps[name] != nil && !keep[name] {
			p.apps = append(p.apps, f.planBroken(f.apps[name], trouble))
		}
		keep[name] = true
		files.outcome[c.file] = outcome{name, trouble}
		if !c.left {
			p.report(c, name, trouble)
		}
	}
	p.reportOthers(f)
	for _, name := range slices.Sorted(maps.Keys(f.apps)) {
		if keep[name] {
			continue
		}
		if why, gone := f.leaves(f.apps[name], files); gone != "" {
			p.remove = append(p.remove, removal{name, gone})
		} else {
			p.apps = append(p.apps, f.planBroken(f.apps[name], why))
		}
	}
	slices.SortFunc(p.apps, func(a, b appPlan) int { return cmp.Compare(a.name, b.name) })
	return p
}

// check tells which App a file is about and why it cannot be used. The name of
// an unreadable file is that of the App it made when it could be read, else
// that of the App which has moved there.
func (f facts) check(c *candidate, files specFiles) (name string, trouble *problem) {
	name = c.name
	if name == "" {
		name = files.madeBy[c.file]
	}
	if name == "" && !c.template && f.apps[c.claims] != nil && !files.has[f.apps[c.claims].Spec.Path] {
		name = c.claims
	}
	if c.problem != nil {
		return name, c.problem
	}
	if owner, taken := f.foreign[c.name]; taken {
		return name, &problem{v1alpha1.ReasonNameConflict,
			fmt.Sprintf("%s: name: the App %q of this namespace belongs to Repository %q; choose another name", c.file, c.name, owner)}
	}
	return name, nil
}

func (p *plan) report(c *candidate, name string, trouble *problem) {
	file := v1alpha1.RepositoryApp{Path: c.file, Name: name}
	if trouble != nil {
		file.Error = condition.Shorten(trouble.message, maxFileError)
		p.problems = append(p.problems, *trouble)
	}
	p.files = append(p.files, file)
}

// reportOthers adds the problems that keep a further ref from being followed.
func (p *plan) reportOthers(f facts) {
	for _, ref := range slices.Sorted(maps.Keys(f.others)) {
		for _, c := range f.others[ref].apps {
			if c.problem != nil && !c.template && !c.left && (c.name == "" || f.production.app(c.name) != nil) {
				p.problems = append(p.problems, problem{c.problem.reason, shortRef(ref) + ": " + c.problem.message})
			}
		}
	}
}

// planApp plans an App whose headway.yaml on production can be used.
func (f facts) planApp(name string, c *candidate) (appPlan, *problem) {
	var prior v1alpha1.AppSpec
	if app := f.apps[name]; app != nil {
		prior = app.Spec
	}
	book := f.openLedger(name)
	heads := priorHeads(prior)

	production := book.revisionOf(f.productionRef, f.production, c, heads[f.productionRef])
	pin, pinCommit, trouble := f.pin(c, book, prior)
	if trouble != nil {
		return appPlan{}, trouble
	}
	spec := v1alpha1.AppSpec{
		Repository:    f.repository,
		Path:          c.file,
		ProductionRef: f.productionRef,
		Heads:         []v1alpha1.Head{{Ref: f.productionRef, Commit: f.production.commit, Revision: production}},
		History:       push(prior.History, production),
		Pin:           pin,
		PinCommit:     pinCommit,
		Hosts:         c.hosts,
	}
	spec.Heads = append(spec.Heads, f.furtherHeads(name, c.file, book, prior.Heads, production)...)
	sortHeads(spec.Heads)
	return appPlan{name: name, spec: spec, revisions: book.made}, nil
}

// planBroken keeps an App as it is, with a problem. Its further refs go on:
// each is built by the headway.yaml of its own commit. What was pinned stays.
func (f facts) planBroken(app *v1alpha1.App, trouble *problem) appPlan {
	spec := *app.Spec.DeepCopy()
	spec.Problem = &v1alpha1.SpecProblem{Commit: f.production.commit, Reason: trouble.reason, Message: condition.Shorten(trouble.message, maxMessage)}
	heads := priorHeads(spec)
	book := f.openLedger(app.Name)
	spec.Pin = f.keepPin(app, book)
	spec.Heads = f.furtherHeads(app.Name, app.Spec.Path, book, app.Spec.Heads, heads[f.productionRef])
	for _, h := range app.Spec.Heads {
		if h.Ref == f.productionRef {
			spec.Heads = append(spec.Heads, h)
		}
	}
	sortHeads(spec.Heads)
	return appPlan{name: app.Name, spec: spec, revisions: book.made}
}

// furtherHeads are the App's heads on refs other than production. A ref whose
// headway.yaml cannot be used keeps the revision it had, one whose commit
// cannot be read keeps the whole head.
func (f facts) furtherHeads(name, file string, book *ledger, had []v1alpha1.Head, production string) []v1alpha1.Head {
	var heads []v1alpha1.Head
	prior := map[string]string{}
	for _, h := range had {
		prior[h.Ref] = h.Revision
		if f.unread[h.Ref] != nil {
			heads = append(heads, h)
		}
	}
	for _, ref := range slices.Sorted(maps.Keys(f.others)) {
		snap := f.others[ref]
		c := snap.app(name)
		switch {
		case c != nil:
			revision := book.revisionOf(ref, snap, c, prior[ref], production)
			heads = append(heads, v1alpha1.Head{Ref: ref, Commit: snap.commit, Revision: revision})
		case prior[ref] != "" && snap.broken(name, file):
			heads = append(heads, v1alpha1.Head{Ref: ref, Commit: snap.commit, Revision: prior[ref]})
		}
	}
	return heads
}

// broken tells whether the snapshot may hold the app in a file that cannot be
// used: one at its path, with its name, or with a name that cannot be told.
func (s *snapshot) broken(name, file string) bool {
	return slices.ContainsFunc(s.apps, func(c candidate) bool {
		return c.problem != nil && (c.file == file || c.name == name || c.claims == name || c.nameless())
	})
}

func priorHeads(spec v1alpha1.AppSpec) map[string]string {
	heads := map[string]string{}
	for _, h := range spec.Heads {
		heads[h.Ref] = h.Revision
	}
	return heads
}

func sortHeads(heads []v1alpha1.Head) {
	slices.SortFunc(heads, func(a, b v1alpha1.Head) int { return cmp.Compare(a.Ref, b.Ref) })
}

// push puts a revision to the front of a history.
func push(history []string, revision string) []string {
	out := []string{revision}
	for _, name := range history {
		if name != revision && len(out) < maxHistory {
			out = append(out, name)
		}
	}
	return out
}

// shortRef is a ref as people write it.
func shortRef(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/tags/"} {
		if short, ok := strings.CutPrefix(ref, prefix); ok {
			return short
		}
	}
	return ref
}
