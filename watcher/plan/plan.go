// Package plan decides what Apps and Revisions follow from the commits of a
// repository.
//
// It promises that a plan follows from the Facts alone: values in, values out.
// The headway.yaml files of a commit are parsed once (ReadSpecFiles), held
// against its other files (Resolve) into a Snapshot, and the snapshots of all
// watched refs, with the objects that are there, make a Plan (Make). What is
// wrong with a file is a Problem of that file alone.
//
// It fetches nothing and writes no object; content comes from the tree.Blobs
// that it is given. It links neither go-git nor a Kubernetes client, so that the
// command line decides as the cluster does.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// maxHistory is how many revisions of the production ref an App remembers.
const maxHistory = 20

// maxFileError is the longest error of one file in a Repository's status: 500
// files fit into an object. The App has all of it.
const maxFileError = 1000

// MaxMessage is the longest message of a problem that an App or a condition
// tells, in bytes; the API takes 32768, a reader takes fewer.
const MaxMessage = 4000

// Facts are everything that a plan follows from. Planning changes none of it.
type Facts struct {
	Repository string
	// Namespace and UID are those of the Repository; Public is how the outside
	// reaches its apps.
	Namespace, UID string
	Public         address.Public
	Now            time.Time
	// ProductionRef is the full name of the production branch.
	ProductionRef string
	Production    *Snapshot
	// Others are the commits of the further refs, by full ref name.
	Others map[string]*Snapshot
	// Ruled are those of them that only rules of release ask for: they are heads
	// of the apps whose rules those are.
	Ruled map[string]bool
	// Tags of the repository.
	Tags Tags
	// Apps are the Repository's Apps by name, without previews; Foreign maps the names of Apps
	// of other Repositories in the namespace to the Repository.
	Apps    map[string]*v1alpha1.App
	Foreign map[string]string
	// Eventing is what there is of channels, sources and subscriptions.
	Eventing
	// Previews are the Repository's Apps that are previews, by name.
	Previews map[string]*v1alpha1.App
	// Requests are the open requests, and the branches that have previews by name.
	Requests []*Request
	// Read are the paths of the headway.yaml files that the last look has read.
	Read map[string]bool
	// Revisions are the Repository's Revisions that are not being deleted.
	Revisions []*v1alpha1.Revision
	// Pinned are commits that were read because they are pinned, by what
	// PinsToRead gave; nil for one that the remote does not have.
	Pinned map[string]*Snapshot
	// Unread are the further refs and the pins whose commits cannot be read,
	// and why.
	Unread map[string]*Problem
}

// Refuse puts a problem in the place of what a new Revision would be made
// from, in every ref that points at its commit. It gives that commit as it is
// seen now.
func (f *Facts) Refuse(n Revision, why *Problem) *Snapshot {
	refused := n.Snapshot.refuse(n.From.File, why)
	if f.Production == n.Snapshot {
		f.Production = refused
	}
	for _, snapshots := range []map[string]*Snapshot{f.Others, f.Pinned} {
		for key, s := range snapshots {
			if s == n.Snapshot {
				snapshots[key] = refused
			}
		}
	}
	for _, r := range f.Requests {
		if r.Head == n.Snapshot {
			r.Head = refused
		}
	}
	return refused
}

// Plan is what has to be so.
type Plan struct {
	// Apps are those that are or become, by name.
	Apps []App
	// Previews are the Apps of previews, by name, and Requests what has become of
	// the requests, for the status.
	Previews []App
	Requests []v1alpha1.RequestStatus
	// Remove are the Apps that go.
	Remove []Removal
	// Channels and Sources are those of the Repository that are or become, by name,
	// without those that stay as they are because their file cannot be used.
	Channels []Channel
	Sources  []Source
	// These go.
	RemoveChannels, RemoveSources, RemoveSubscriptions []string
	// Files are the headway.yaml files of the production commit, for the
	// status.
	Files []v1alpha1.RepositoryApp
	// Problems of those files, in the same order, and then those of further
	// refs.
	Problems []*Problem
	// Templates are the files that are skipped as models of a headway.yaml.
	Templates []string
}

// App is one App and the Revisions to make for it.
type App struct {
	Name      string
	Spec      v1alpha1.AppSpec
	Revisions []Revision
	// Channels, Sources and Subscriptions of the App, which has no others unless it
	// is Broken: its headway.yaml cannot be used, and what there is of them stays as
	// it is.
	Channels      []Channel
	Sources       []Source
	Subscriptions []Subscription
	Broken        bool
}

// Revision is a Revision to make.
type Revision struct {
	Name     string
	Ref      string
	Snapshot *Snapshot
	From     *Candidate
	// Preview is set on a revision of a preview.
	Preview *v1alpha1.BuiltFor
}

// Source is what the Revision is built from, without the digest of its files.
func (r *Revision) Source() v1alpha1.CodeSource {
	return v1alpha1.CodeSource{Key: r.From.key, Path: r.From.Spec.Path, SpecHash: r.From.specHash}
}

// Make decides. Rules for a headway.yaml on production:
//
//	it is valid                 the App is as the file says
//	... is not                  an App that runs stays, with a problem; none is made
//	... has a name taken        as not valid, for every file with that name
//	... is a model of one       skipped, unless it has made an App
//	... is one too many         as not valid, and told once for all of them
//	its commit is unsigned      as not valid, for every App (unsigned.go)
//	no file names the App       removal.go, handover.go
//	channels, sources and so on eventing.go
//	a further ref               is a head of the Apps that production has
//	a request                   preview.go
func Make(f Facts) Plan {
	var p Plan
	files := f.openFiles()
	keep := map[string]bool{}
	for i := range f.Production.Apps {
		c := &f.Production.Apps[i]
		name, why := f.check(c, files)
		if c.Template && name == "" {
			p.Templates = append(p.Templates, c.File)
			continue
		}
		if why == nil {
			var planned App
			if planned, why = f.planApp(name, c); why == nil {
				p.Apps = append(p.Apps, planned)
			}
		}
		if why != nil && f.Apps[name] != nil && !keep[name] {
			p.Apps = append(p.Apps, f.planBroken(f.Apps[name], why))
		}
		keep[name] = true
		files.outcome[c.File] = outcome{name, why}
		if !c.omitted && f.Production.Unsigned == nil {
			p.report(c, name, why)
		}
	}
	if f.Production.Unsigned != nil {
		p.Problems = append(p.Problems, f.Production.Unsigned) // once for all
	}
	p.reportOthers(f)
	for _, name := range slices.Sorted(maps.Keys(f.Apps)) {
		if keep[name] {
			continue
		}
		if why, gone := f.leaves(f.Apps[name], files); gone != "" {
			p.Remove = append(p.Remove, Removal{name, gone, files.outcome[f.Apps[name].Spec.Path].app})
		} else {
			p.Apps = append(p.Apps, f.planBroken(f.Apps[name], why))
		}
	}
	slices.SortFunc(p.Apps, func(a, b App) int { return cmp.Compare(a.Name, b.Name) })
	f.handOver(&p)
	f.planPreviews(&p, files)
	f.planEventing(&p, files)
	return p
}

// check says which App a file is about and why it cannot be used. The name of
// an unreadable file is that of the App it made when it could be read, else
// that of the App which has moved there.
func (f Facts) check(c *Candidate, files specFiles) (name string, why *Problem) {
	name = c.Name
	if name == "" {
		name = files.madeBy[c.File]
	}
	if name == "" && !c.Template && f.Apps[c.claims] != nil && !files.has[f.Apps[c.claims].Spec.Path] {
		name = c.claims
	}
	if c.Problem != nil {
		return name, c.Problem
	}
	if owner, taken := f.Foreign[c.Name]; taken {
		return name, NewProblem(v1alpha1.ReasonNameConflict, "%s: name: the App %q of this namespace belongs to Repository %q; choose another name", c.File, c.Name, owner)
	}
	if p := f.Previews[c.Name]; p != nil {
		return name, NewProblem(v1alpha1.ReasonNameConflict, "%s: name: %q is the name of a preview of %s; choose another name", c.File, c.Name, p.Spec.Preview.App)
	}
	if misruled := c.Misruled(f.ProductionRef); misruled != nil {
		return name, &Problem{v1alpha1.ReasonInvalidSpec, misruled.Error()}
	}
	return name, f.taken(c)
}

func (p *Plan) report(c *Candidate, name string, why *Problem) {
	file := v1alpha1.RepositoryApp{Path: c.File, Name: name}
	if why != nil {
		file.Error = condition.Shorten(why.Message, maxFileError)
		p.Problems = append(p.Problems, why)
	}
	p.Files = append(p.Files, file)
}

// reportOthers adds the problems that keep a further ref from being followed.
func (p *Plan) reportOthers(f Facts) {
	for _, ref := range slices.Sorted(maps.Keys(f.Others)) {
		if v1alpha1.InMergeQueue(ref) {
			continue // told of the request
		}
		for _, c := range f.Others[ref].Apps {
			if c.Problem != nil && !c.Template && !c.omitted && (c.Name == "" || f.Production.App(c.Name) != nil) {
				p.Problems = append(p.Problems, &Problem{c.Problem.Reason, v1alpha1.ShortRef(ref) + ": " + c.Problem.Message})
			}
		}
	}
}

// planApp plans an App whose headway.yaml on production can be used. Of the file
// on a further ref, or in the commit of a tag, only that counts which makes a
// revision.
func (f Facts) planApp(name string, c *Candidate) (App, *Problem) {
	prior := f.priorSpec(c)
	ledger := f.openLedger(name)
	heads := priorHeads(prior)

	same := []string{heads[f.ProductionRef]}
	if tagRules(c.Spec.Release, v1alpha1.ShortRef(f.ProductionRef)) != nil {
		same = append(same, heads[prior.ProductionRef])
	}
	production := ledger.revisionOf(f.ProductionRef, f.Production, c, same...)
	pin, pinCommit, why := f.pin(c, ledger, prior)
	if why != nil {
		return App{}, why
	}
	spec := v1alpha1.AppSpec{
		Repository: f.Repository,
		Path:       c.File,
		Heads:      []v1alpha1.Head{{Ref: f.ProductionRef, Commit: f.Production.Commit, Revision: production}},
		Pin:        pin,
		PinCommit:  pinCommit,
		Hosts:      c.Spec.Hosts,
		Release:    c.Spec.Release,
		Sticky:     c.Spec.Sticky,
		Hold:       c.Spec.Hold,
		Committed:  prior.Committed,
	}
	f.release(&spec, name, prior, ledger)
	f.addFurtherHeads(&spec, name, ledger, prior.Heads)
	f.decide(&spec, name, ledger)
	app := App{Name: name, Spec: spec, Revisions: ledger.made}
	app.addEventing(c)
	return app, nil
}

// planBroken keeps an App as it is, with a problem. Its further refs go on:
// each is built by the headway.yaml of its own commit. What was pinned stays.
func (f Facts) planBroken(app *v1alpha1.App, why *Problem) App {
	spec := *app.Spec.DeepCopy()
	spec.Problem = &v1alpha1.SpecProblem{Commit: f.Production.Commit, Reason: why.Reason, Message: condition.Shorten(why.Message, MaxMessage)}
	ledger := f.openLedger(app.Name)
	spec.Pin = f.keepPin(app, ledger)
	spec.Heads = slices.DeleteFunc(spec.Heads, func(h v1alpha1.Head) bool { return h.Ref != f.ProductionRef && h.Ref != spec.ProductionRef })
	f.addFurtherHeads(&spec, app.Name, ledger, app.Spec.Heads)
	f.decide(&spec, app.Name, ledger)
	return App{Name: app.Name, Spec: spec, Revisions: ledger.made, Broken: true}
}

// addFurtherHeads adds the App's heads on refs beside production, and sorts all. A ref
// whose headway.yaml cannot be used keeps the revision it had, one whose commit
// cannot be read keeps the whole head.
//
// The head of a branch that is merged is production's revision, once that is
// live: until then its share goes on.
func (f Facts) addFurtherHeads(spec *v1alpha1.AppSpec, name string, ledger *ledger, had []v1alpha1.Head) {
	prior := map[string]string{}
	for _, h := range had {
		prior[h.Ref] = h.Revision
	}
	production := priorHeads(*spec)[spec.ProductionRef]
	for _, ref := range slices.Sorted(maps.Keys(f.Others)) {
		if ref == spec.ProductionRef || f.Ruled[ref] && !holds(spec.Release, spec.ProductionRef, ref) {
			continue
		}
		snap := f.Others[ref]
		c := snap.App(name)
		switch {
		case c != nil:
			same := []string{prior[ref], production}
			if app := f.Apps[name]; app != nil && app.Status.Live == production {
				slices.Reverse(same)
			}
			revision := ledger.revisionOf(ref, snap, c, same...)
			spec.Heads = append(spec.Heads, v1alpha1.Head{Ref: ref, Commit: snap.Commit, Revision: revision})
		case prior[ref] != "" && snap.broken(name, spec.Path):
			spec.Heads = append(spec.Heads, v1alpha1.Head{Ref: ref, Commit: snap.Commit, Revision: prior[ref]})
		}
	}
	for _, h := range had {
		if f.Unread[h.Ref] != nil && priorHead(*spec, h.Ref) == nil {
			spec.Heads = append(spec.Heads, h)
		}
	}
	sortHeads(spec.Heads)
}

// broken reports whether the snapshot may hold the app in a file that cannot be
// used: one at its path, with its name, or with a name that cannot be told.
func (s *Snapshot) broken(name, file string) bool {
	return slices.ContainsFunc(s.Apps, func(c Candidate) bool {
		return c.Problem != nil && (c.File == file || c.Name == name || c.claims == name || c.nameless())
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

// FirstFew lists some of many names.
func FirstFew(names []string) string {
	const few = 5
	shown := strings.Join(names[:min(few, len(names))], ", ")
	if more := len(names) - few; more > 0 {
		return fmt.Sprintf("%s and %d more", shown, more)
	}
	return shown
}
