package plan

import (
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// handOver has the events of an App that was renamed move with its requests, and
// never to both Apps:
//
//	the App before serves on    the new one gets no subscriptions, and no sources and
//	                            channels of its own
//	it goes                     the new one gets them. A Subscription continues that
//	                            of the App before, if that has the same name and channel
//	afterwards                  what it continues stays in its spec: nobody here knows
//	                            whether it has begun
func (f Facts) handOver(p *Plan) {
	for i := range p.Apps {
		app := &p.Apps[i]
		if app.Broken {
			continue
		}
		if p.hasPredecessor(app) {
			app.Channels = slices.DeleteFunc(app.Channels, func(c Channel) bool { return f.Channels[c.Name] == nil })
			app.Sources = slices.DeleteFunc(app.Sources, func(s Source) bool { return f.Sources[s.Name] == nil })
			app.Subscriptions = slices.DeleteFunc(app.Subscriptions, func(s Subscription) bool { return f.Subscriptions[s.Name] == nil })
		}
		for j := range app.Subscriptions {
			s := &app.Subscriptions[j]
			s.Spec.Continues = f.continued(p, app.Name, s)
		}
	}
}

// hasPredecessor reports whether another App serves on until this one is live.
func (p *Plan) hasPredecessor(app *App) bool {
	return slices.ContainsFunc(p.Apps, func(o App) bool {
		return o.Name != app.Name && o.Broken && Renamed(o.Spec) && o.Spec.Path == app.Spec.Path
	})
}

// continued is the Subscription that one of an App continues; "" for none.
func (f Facts) continued(p *Plan, app string, s *Subscription) string {
	same := func(o *v1alpha1.Subscription) bool { return o != nil && o.Spec.Channel == s.Spec.Channel }
	if prior := f.Subscriptions[s.Name]; prior != nil {
		if same(prior) {
			return prior.Spec.Continues
		}
		return ""
	}
	for _, gone := range p.Remove {
		before := gone.App + strings.TrimPrefix(s.Name, app)
		if o := f.Subscriptions[before]; gone.Next == app && same(o) && AppOf(o) == gone.App {
			return before
		}
	}
	return ""
}

// hasEvents reports whether an App has subscriptions or sources.
func (f Facts) hasEvents(app string) bool {
	for _, s := range f.Subscriptions {
		if AppOf(s) == app {
			return true
		}
	}
	for _, s := range f.Sources {
		if AppOf(s) == app {
			return true
		}
	}
	return false
}

// Withhold keeps the Apps whose successors are not all there, and their events. there
// is what there was before the plan was carried out.
func (p *Plan) Withhold(there Eventing, unmade map[string]bool) {
	stays := map[string]bool{}
	p.Remove = slices.DeleteFunc(slices.Clone(p.Remove), func(r Removal) bool {
		stays[r.App] = r.Next != "" && unmade[r.Next]
		return stays[r.App]
	})
	p.RemoveChannels = slices.DeleteFunc(slices.Clone(p.RemoveChannels), func(name string) bool { return stays[AppOf(there.Channels[name])] })
	p.RemoveSources = slices.DeleteFunc(slices.Clone(p.RemoveSources), func(name string) bool { return stays[AppOf(there.Sources[name])] })
	p.RemoveSubscriptions = slices.DeleteFunc(slices.Clone(p.RemoveSubscriptions), func(name string) bool { return stays[AppOf(there.Subscriptions[name])] })
}
