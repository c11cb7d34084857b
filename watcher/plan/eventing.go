package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Eventing are the Channels, Sources and Subscriptions that are there, by name.
// Foreign are those of the namespace that the Repository did not make: it says of
// each whose it is.
type Eventing struct {
	Channels             map[string]*v1alpha1.Channel
	Sources              map[string]*v1alpha1.Source
	Subscriptions        map[string]*v1alpha1.Subscription
	ForeignChannels      map[string]string
	ForeignSources       map[string]string
	ForeignSubscriptions map[string]string
}

// Channel, Source and Subscription are each one that is or becomes.
type (
	Channel struct {
		Name string
		Spec v1alpha1.ChannelSpec
	}
	Source struct {
		Name string
		Spec v1alpha1.SourceSpec
	}
	Subscription struct {
		Name string
		Spec v1alpha1.SubscriptionSpec
	}
)

// EventingOf tells what a Repository has in its namespace from what others have.
// apps are all Apps of the Repository. leaving are objects, such as "channel
// orders", that an earlier Repository or App of the same name has left behind:
// they are being deleted.
func EventingOf(repo metav1.Object, apps map[string]*v1alpha1.App, channels []v1alpha1.Channel, sources []v1alpha1.Source, subscriptions []v1alpha1.Subscription) (e Eventing, leaving []string) {
	whose := func(o metav1.Object) ownership {
		owner := metav1.GetControllerOf(o)
		switch {
		case owner == nil:
			return others
		case owner.UID == repo.GetUID(), apps[owner.Name] != nil && owner.UID == apps[owner.Name].UID:
			return own
		case owner.Kind == "Repository" && owner.Name == repo.GetName(), owner.Kind == "App" && o.GetLabels()[v1alpha1.LabelRepository] == repo.GetName():
			return left
		}
		return others
	}
	e.Channels, e.ForeignChannels = split(channels, whose, "channel", &leaving)
	e.Sources, e.ForeignSources = split(sources, whose, "source", &leaving)
	e.Subscriptions, e.ForeignSubscriptions = split(subscriptions, whose, "subscription", &leaving)
	return e, leaving
}

// ownership is whose an object is.
type ownership int

const (
	own ownership = iota
	left
	others
)

func split[T any, P interface {
	*T
	metav1.Object
}](items []T, whose func(metav1.Object) ownership, kind string, leaving *[]string) (mine map[string]P, foreign map[string]string) {
	mine, foreign = map[string]P{}, map[string]string{}
	for i := range items {
		o := P(&items[i])
		switch whose(o) {
		case own:
			mine[o.GetName()] = o
		case left:
			*leaving = append(*leaving, kind+" "+o.GetName())
		default:
			foreign[o.GetName()] = Holder(o)
		}
	}
	return mine, foreign
}

// Holder is whose an object of the namespace is, in words, for somebody else who
// wants its name.
func Holder(o metav1.Object) string {
	if owner := metav1.GetControllerOf(o); owner != nil {
		return fmt.Sprintf("belongs to %s %q", owner.Kind, owner.Name)
	}
	return "was not made from git"
}

// AppOf is the App that an object belongs to; "" where it is the Repository's.
func AppOf(o metav1.Object) string {
	if owner := metav1.GetControllerOf(o); owner != nil && owner.Kind == "App" {
		return owner.Name
	}
	return ""
}

// planEventing decides about the Channels and Sources of the Repository. Only the
// files on production count.
//
//	a file that can be used declares it    it is as the file says
//	... that cannot be used                it stays as it is; none is made
//	... that cannot be read, and may       it stays
//	the commit is unsigned                 it stays
//	no file declares it                    it goes
//	what belongs to an App that stays      it stays
//	    as it is, with a problem
func (f Facts) planEventing(p *Plan, files specFiles) {
	stays := map[string]bool{} // by kind and name
	hidden := f.Production.Unsigned != nil
	declare := func(c *Candidate, why *Problem) {
		if why != nil {
			for _, name := range c.channels {
				stays["channel "+name] = true
			}
			for _, name := range c.sources {
				stays["source "+name] = true
			}
			hidden = hidden || c.mayHide
			return
		}
		o := c.Spec.Objects()
		for _, channel := range o.Channels {
			if !channel.OfApp {
				p.Channels = append(p.Channels, Channel{channel.Name, channel.Spec})
			}
		}
		for _, source := range o.Sources {
			if !source.OfApp {
				p.Sources = append(p.Sources, Source{source.Name, source.Spec})
			}
		}
	}
	for i := range f.Production.Apps {
		if c := &f.Production.Apps[i]; !c.Template || files.outcome[c.File].app != "" {
			declare(c, files.outcome[c.File].why)
		}
	}
	for i := range f.Production.Declared {
		c := &f.Production.Declared[i]
		if c.Template {
			continue
		}
		why := c.Problem
		if why == nil {
			why = f.taken(c)
		}
		declare(c, why)
		if why != nil {
			p.report(c, "", why)
		}
	}
	slices.SortFunc(p.Channels, func(a, b Channel) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(p.Sources, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	f.prune(p, stays, hidden)
}

// prune takes away what nothing declares any more.
func (f Facts) prune(p *Plan, stays map[string]bool, hidden bool) {
	broken := map[string]bool{}
	for _, app := range slices.Concat(p.Apps, p.Previews) {
		broken[app.Name] = app.Broken
		keep(stays, app.Channels, app.Sources, app.Subscriptions)
	}
	keep(stays, p.Channels, p.Sources, nil)
	goes := func(kind string, o metav1.Object) bool {
		app := AppOf(o)
		return !stays[kind+" "+o.GetName()] && !broken[app] && (app != "" || !hidden)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Channels)) {
		if goes("channel", f.Channels[name]) {
			p.RemoveChannels = append(p.RemoveChannels, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Sources)) {
		if goes("source", f.Sources[name]) {
			p.RemoveSources = append(p.RemoveSources, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Subscriptions)) {
		if goes("subscription", f.Subscriptions[name]) {
			p.RemoveSubscriptions = append(p.RemoveSubscriptions, name)
		}
	}
}

func keep(stays map[string]bool, channels []Channel, sources []Source, subscriptions []Subscription) {
	for _, c := range channels {
		stays["channel "+c.Name] = true
	}
	for _, s := range sources {
		stays["source "+s.Name] = true
	}
	for _, s := range subscriptions {
		stays["subscription "+s.Name] = true
	}
}

// addEventing gives an App what its file says that belongs to it.
func (a *App) addEventing(c *Candidate) {
	o := c.Spec.Objects()
	for _, channel := range o.Channels {
		if channel.OfApp {
			a.Channels = append(a.Channels, Channel{channel.Name, channel.Spec})
		}
	}
	for _, source := range o.Sources {
		if source.OfApp {
			a.Sources = append(a.Sources, Source{source.Name, source.Spec})
		}
	}
	for _, s := range o.Subscriptions {
		a.Subscriptions = append(a.Subscriptions, Subscription{s.Name, s.Spec})
	}
}
