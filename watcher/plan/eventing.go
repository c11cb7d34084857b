package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// Eventing are the Channels and Subscriptions that are there, by name. Foreign
// are those of the namespace that the Repository did not make: it says of each
// whose it is.
type Eventing struct {
	Channels             map[string]*v1alpha1.Channel
	Subscriptions        map[string]*v1alpha1.Subscription
	ForeignChannels      map[string]string
	ForeignSubscriptions map[string]string
}

// Channel is one Channel that is or becomes.
type Channel struct {
	Name string
	Spec v1alpha1.ChannelSpec
}

// Subscription is one Subscription of an App that is or becomes.
type Subscription struct {
	Name string
	Spec v1alpha1.SubscriptionSpec
}

// EventingOf tells what a Repository has in its namespace from what others have.
// apps are all Apps of the Repository. leaving are objects, such as "channel
// orders", that an earlier Repository or App of the same name has left behind:
// they are being deleted.
func EventingOf(repo metav1.Object, apps map[string]*v1alpha1.App, channels []v1alpha1.Channel, subscriptions []v1alpha1.Subscription) (e Eventing, leaving []string) {
	e = Eventing{Channels: map[string]*v1alpha1.Channel{}, Subscriptions: map[string]*v1alpha1.Subscription{},
		ForeignChannels: map[string]string{}, ForeignSubscriptions: map[string]string{}}
	for i := range channels {
		c := &channels[i]
		owner := metav1.GetControllerOf(c)
		switch {
		case owner != nil && owner.UID == repo.GetUID():
			e.Channels[c.Name] = c
		case owner != nil && owner.Kind == "Repository" && owner.Name == repo.GetName():
			leaving = append(leaving, "channel "+c.Name)
		default:
			e.ForeignChannels[c.Name] = Holder(c)
		}
	}
	for i := range subscriptions {
		s := &subscriptions[i]
		owner := metav1.GetControllerOf(s)
		switch {
		case owner != nil && apps[owner.Name] != nil && owner.UID == apps[owner.Name].UID:
			e.Subscriptions[s.Name] = s
		case owner != nil && s.Labels[v1alpha1.LabelRepository] == repo.GetName():
			leaving = append(leaving, "subscription "+s.Name)
		default:
			e.ForeignSubscriptions[s.Name] = Holder(s)
		}
	}
	return e, leaving
}

// Holder is whose an object of the namespace is, in words, for somebody else who
// wants its name.
func Holder(o metav1.Object) string {
	if owner := metav1.GetControllerOf(o); owner != nil {
		return fmt.Sprintf("belongs to %s %q", owner.Kind, owner.Name)
	}
	return "was not made from git"
}

// planEventing decides about Channels and prunes Subscriptions. Only the files on
// production count, also for previews: those have no subscriptions.
//
//	a file that can be used declares it    it is as the file says
//	... that cannot be used                it stays as it is; none is made
//	... that cannot be read, and may       it stays
//	the commit is unsigned                 it stays
//	no file declares it                    it goes
//	a Subscription of an App that stays    it stays
//	    as it is, with a problem
func (f Facts) planEventing(p *Plan, files specFiles) {
	declared, stays := map[string]bool{}, map[string]bool{}
	hidden := f.Production.Unsigned != nil
	for i := range f.Production.Apps {
		c := &f.Production.Apps[i]
		switch {
		case c.Template && files.outcome[c.File].app == "":
		case files.outcome[c.File].why != nil:
			for _, name := range c.channels {
				stays[name] = true
			}
			hidden = hidden || c.mayHide
		default:
			for _, channel := range c.Spec.Channels {
				declared[channel.Name] = true
				p.Channels = append(p.Channels, Channel{channel.Name, channel.Spec})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Channels)) {
		if !declared[name] && !stays[name] && !hidden {
			p.RemoveChannels = append(p.RemoveChannels, name)
		}
	}
	slices.SortFunc(p.Channels, func(a, b Channel) int { return cmp.Compare(a.Name, b.Name) })
	f.pruneSubscriptions(p)
}

func (f Facts) pruneSubscriptions(p *Plan) {
	stays, broken := map[string]bool{}, map[string]bool{}
	for _, app := range p.Apps {
		broken[app.Name] = app.Broken
		for _, s := range app.Subscriptions {
			stays[s.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Subscriptions)) {
		if !stays[name] && !broken[Subscriber(f.Subscriptions[name])] {
			p.RemoveSubscriptions = append(p.RemoveSubscriptions, name)
		}
	}
}

// Subscriber is the App that a Subscription belongs to.
func Subscriber(s *v1alpha1.Subscription) string {
	if owner := metav1.GetControllerOf(s); owner != nil {
		return owner.Name
	}
	return ""
}

// subscriptions are those that a file asks for.
func subscriptions(c *Candidate) []Subscription {
	var all []Subscription
	for i := range c.Spec.Events {
		e := &c.Spec.Events[i]
		all = append(all, Subscription{e.Object(c.Name), e.Spec})
	}
	return all
}

// taken is what a file declares under a name that is somebody else's; nil where
// there is nothing.
func (f Facts) taken(c *Candidate) *Problem {
	var at specfile.Problems
	refuse := func(key, format string, args ...any) {
		problem := c.Spec.Problem(key, fmt.Sprintf(format, args...))
		problem.File = c.File
		at = append(at, problem)
	}
	for i, channel := range c.Spec.Channels {
		if who := f.ForeignChannels[channel.Name]; who != "" {
			refuse(fmt.Sprintf("channels[%d].name", i), "the Channel %q of this namespace %s; choose another name", channel.Name, who)
		}
	}
	for i := range c.Spec.Events {
		name := c.Spec.Events[i].Object(c.Name)
		who := f.ForeignSubscriptions[name]
		if own := f.Subscriptions[name]; own != nil && Subscriber(own) != c.Name {
			who = Holder(own)
		}
		if who != "" {
			refuse(fmt.Sprintf("events[%d].name", i), "the Subscription %q of this namespace %s; choose another name", name, who)
		}
	}
	if at == nil {
		return nil
	}
	return &Problem{v1alpha1.ReasonNameConflict, at.Error()}
}

// shared is a name that a file gives to something, and the key where it does.
type shared struct{ name, key string }

// markShared: a channel, and a Subscription by the name of its object, is named
// in one file; both files are at fault.
func markShared(apps []Candidate) {
	mark(apps, "channel", func(c *Candidate) (all []shared) {
		for i, channel := range c.Spec.Channels {
			all = append(all, shared{channel.Name, fmt.Sprintf("channels[%d].name", i)})
		}
		return all
	})
	mark(apps, "Subscription", func(c *Candidate) (all []shared) {
		for i := range c.Spec.Events {
			all = append(all, shared{c.Spec.Events[i].Object(c.Name), fmt.Sprintf("events[%d].name", i)})
		}
		return all
	})
}

func mark(apps []Candidate, kind string, names func(*Candidate) []shared) {
	files := map[string][]string{}
	for i := range apps {
		if c := &apps[i]; c.Spec != nil {
			for _, s := range names(c) {
				files[s.name] = append(files[s.name], c.File)
			}
		}
	}
	for i := range apps {
		c := &apps[i]
		if c.Spec == nil || c.Problem != nil {
			continue
		}
		var at []specfile.Problem
		for _, s := range names(c) {
			for _, other := range files[s.name] {
				if other != c.File {
					at = append(at, c.Spec.Problem(s.key, fmt.Sprintf("%s has the %s %q, too; each is in one file", other, kind, s.name)))
					break
				}
			}
		}
		if at != nil {
			c.refuse(v1alpha1.ReasonNameConflict, at...)
		}
	}
}
