package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// previews plans the previews of all requests.
type previews struct {
	facts Facts
	plan  *Plan
	// apps are those of production that have previews, in the order of their names.
	apps []*Candidate
	// unknown reports whether an app is there of which production's file cannot be
	// used, so that nobody can tell which previews it has.
	unknown map[string]bool
	names   *previewNames
	// held are the Apps that a request has, sorted, by its identity.
	held map[string][]string
}

// planPreviews adds to a plan what becomes of the requests, and the Apps of their
// previews. A request that is not in the facts is closed. What cannot be read
// changes nothing:
//
//	production's headway.yaml of the app   its previews stay as they are
//	the request's commit                   all of its previews
//	the request's headway.yaml             the preview, with a problem
func (f Facts) planPreviews(p *Plan, files specFiles) {
	s := &previews{facts: f, plan: p, unknown: map[string]bool{}, names: f.openNames(), held: map[string][]string{}}
	for _, name := range sortedKeys(f.Previews) {
		of := identify("", f.Previews[name].Spec.Preview.Request, f.Previews[name].Spec.ProductionRef)
		s.held[of] = append(s.held[of], name)
	}
	known := map[string]bool{}
	for _, c := range f.previewed() {
		if files.outcome[c.File].why == nil {
			s.apps = append(s.apps, c)
		}
	}
	slices.SortFunc(s.apps, func(a, b *Candidate) int { return cmp.Compare(a.Name, b.Name) })
	for i := range f.Production.Apps {
		if c := &f.Production.Apps[i]; c.Name != "" && files.outcome[c.File].why == nil {
			known[c.Name] = true
		}
	}
	for _, app := range p.Apps {
		s.unknown[app.Name] = !known[app.Name]
	}
	var judged []judgement
	for _, r := range f.Requests {
		j := f.judge(r, s.apps)
		s.restrictAll(&j)
		judged = append(judged, j)
	}
	s.givePlaces(judged)
	stays := map[string]bool{}
	for i := range judged {
		names := s.carryOut(&judged[i])
		for _, name := range names {
			stays[name] = true
		}
		p.Requests = append(p.Requests, judged[i].status(names))
	}
	s.remove(judged, stays)
	p.Requests = append(p.Requests, f.queued()...)
	slices.SortFunc(p.Requests, compareRequests)
	slices.SortFunc(p.Previews, func(a, b App) int { return cmp.Compare(a.Name, b.Name) })
}

// givePlaces lets as many requests have previews as there are places: those that
// have some, and of the others the oldest.
func (s *previews) givePlaces(judged []judgement) {
	places := 0
	for _, c := range s.apps {
		places = max(places, int(c.Spec.Preview.Max))
	}
	var waiting []*judgement
	taken := 0
	for i := range judged {
		j := &judged[i]
		held := s.existing(j.r)
		unknown := slices.ContainsFunc(held, func(name string) bool { return s.unknown[s.facts.Previews[name].Spec.Preview.App] })
		switch {
		case len(held) > 0 && (j.keep || unknown || len(j.tries) > 0 || len(j.problems) > 0):
			taken++
		case len(j.tries) > 0:
			waiting = append(waiting, j)
		}
		if len(j.tries) > 0 {
			j.state, j.message = v1alpha1.RequestPreviewed, ""
		}
	}
	slices.SortStableFunc(waiting, func(a, b *judgement) int {
		return cmp.Or(cmp.Compare(a.r.Number, b.r.Number), a.r.Pushed.Compare(b.r.Pushed.Time), cmp.Compare(a.r.Ref, b.r.Ref))
	})
	for _, j := range waiting {
		if taken++; taken > places {
			j.tries, j.further = nil, nil
			j.state, j.message = v1alpha1.RequestWaiting, fmt.Sprintf("waiting for a place: %d of %d previews are taken", min(taken-1, places), places)
			taken--
		}
	}
}

// existing are the Apps that a request has, sorted.
func (s *previews) existing(r *Request) []string { return s.held[identify("", r.Number, r.Ref)] }

// carryOut plans the Apps of a request, and gives their names.
func (s *previews) carryOut(j *judgement) []string {
	planned := map[string]App{}
	for _, made := range s.make(j) {
		planned[made.Name] = made
	}
	for _, name := range s.existing(j.r) {
		app := s.facts.Previews[name]
		if _, is := planned[name]; is || expired(app, s.facts.Now) {
			continue
		}
		of := app.Spec.Preview.App
		why := j.problems[of]
		switch {
		case why != nil:
			spec := *app.Spec.DeepCopy()
			spec.Problem = &v1alpha1.SpecProblem{Commit: j.r.Commit, Reason: why.Reason, Message: condition.Shorten(why.Message, MaxMessage)}
			planned[name] = App{Name: name, Spec: spec, Broken: true}
		case s.unknown[of]:
			planned[name] = App{Name: name, Spec: app.Spec, Broken: true}
			if j.state != v1alpha1.RequestPreviewed {
				j.state, j.message = v1alpha1.RequestPreviewed, fmt.Sprintf("its previews stay as they are, as headway.yaml of %s on %s cannot be used", of, v1alpha1.ShortRef(s.facts.ProductionRef))
			}
		case j.keep && slices.ContainsFunc(s.apps, func(c *Candidate) bool { return c.Name == of }):
			planned[name] = App{Name: name, Spec: app.Spec, Broken: true}
		}
	}
	names := sortedKeys(planned)
	for _, name := range names {
		s.plan.Previews = append(s.plan.Previews, planned[name])
	}
	return names
}

// tried is an app of a request on its way to be a preview.
type tried struct {
	wish
	name, host string
	trial
}

// restrictAll holds what a request wishes to what it may have.
func (s *previews) restrictAll(j *judgement) {
	for _, w := range j.wishes {
		app := w.head.Name
		name, why := s.names.of(app, j.r)
		t := &tried{wish: w, name: name, trial: restrict(w.head, w.production, j.r.Fork)}
		switch {
		case why != nil:
			j.problems[app] = why
		case len(t.refused) > 0:
			j.problems[app] = &Problem{v1alpha1.ReasonNotAllowed, t.refused.Error()}
		case len(t.channels()) > maxBranches:
			j.problems[app] = NewProblem(v1alpha1.ReasonNotAllowed, "%s: names %d channels; a preview has branches of at most %d", w.head.File, len(t.channels()), maxBranches)
		default:
			t.host = s.facts.host(name, w.production.Spec.Preview.Public, app, j.r)
			j.tries = append(j.tries, t)
		}
	}
}

// make plans the Apps of a request that has a place. All hosts have to be known
// before the first one is complete: previews may link to each other.
func (s *previews) make(j *judgement) []App {
	hosts := map[string]string{}
	for _, t := range j.tries {
		hosts[t.head.Name] = t.host
	}
	var apps []App
	suffix := s.facts.suffixOf(j.r, s.existing(j.r), j.tries)
	for _, t := range j.tries {
		t.link(t.production.Spec.Preview.Link, func(app string) string { return s.facts.urlOf(app, hosts) })
		apps = append(apps, s.facts.previewApp(j.r, t, suffix))
	}
	s.addEvents(j.tries, apps, suffix)
	return apps
}

// urlOf is where an app of the repository answers: its preview in the same
// request, or production's.
func (f Facts) urlOf(app string, previews map[string]string) string {
	host := previews[app]
	if host == "" {
		if f.Apps[app] == nil && f.Production.App(app) == nil {
			return ""
		}
		host = app
	}
	return f.Public.URL(f.Public.Host(f.Namespace, host))
}

// previewApp is the App of a preview.
func (f Facts) previewApp(r *Request, t *tried, suffix string) App {
	app, rules := t.head.Name, t.production.Spec.Preview
	var prior v1alpha1.AppSpec
	if was := f.Previews[t.name]; was != nil {
		prior = was.Spec
	}
	ledger := f.openLedger(t.name)
	ledger.preview = &v1alpha1.BuiltFor{App: app, Fork: r.Fork}
	if len(t.channels()) > 0 {
		ledger.preview.ChannelSuffix = suffix
	}
	var same []string
	for _, h := range prior.Heads {
		same = append(same, h.Revision)
	}
	revision := ledger.previewOf(r.Ref, r.Head, t.candidate(t.head), append(same, prior.History...)...)
	expires := metav1.NewTime(r.Pushed.Add(rules.TTL))
	return App{Name: t.name, Revisions: ledger.made, Spec: v1alpha1.AppSpec{
		Repository:    f.Repository,
		Path:          t.head.File,
		ProductionRef: r.Ref,
		Heads:         []v1alpha1.Head{{Ref: r.Ref, Commit: r.Commit, Revision: revision}},
		History:       push(prior.History, revision),
		Preview: &v1alpha1.Preview{
			App: app, Request: r.Number, Fork: r.Fork, URL: r.URL, Host: t.host, Expires: &expires,
			Setup: rules.Setup, Teardown: rules.Teardown, Unset: t.unset, Reduced: t.reduced,
		},
	}}
}

// remove takes away the previews that no request has any more.
func (s *previews) remove(judged []judgement, stays map[string]bool) {
	open := map[string]string{}
	for _, j := range judged {
		for _, name := range s.existing(j.r) {
			open[name] = cmp.Or(j.message, "the request does not change the app any more, or it has no previews now")
		}
	}
	for _, name := range sortedKeys(s.facts.Previews) {
		if stays[name] {
			continue
		}
		app := s.facts.Previews[name].Spec
		why := fmt.Sprintf("request %d is closed", app.Preview.Request)
		if app.Preview.Request == 0 {
			why = fmt.Sprintf("branch %s is gone", v1alpha1.ShortRef(app.ProductionRef))
		}
		s.plan.Remove = append(s.plan.Remove, Removal{App: name, Why: cmp.Or(open[name], why)})
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
