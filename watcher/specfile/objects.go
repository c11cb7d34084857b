package specfile

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Objects are what the channels, sources and subscriptions of a file come to in the
// cluster, in the order of the file.
type Objects struct {
	Channels      []Object[v1alpha1.ChannelSpec]
	Sources       []Object[v1alpha1.SourceSpec]
	Subscriptions []Object[v1alpha1.SubscriptionSpec]
}

// Object is one of them.
type Object[S any] struct {
	Name string
	Spec S
	// Key is where it stands in the file.
	Key string
	// OfApp: it belongs to the app, else to the repository.
	OfApp bool
}

// What is kept between a source and the app that its events go to: as long as a
// delivery is tried, and enough for a bad day.
const (
	impliedKeep = v1alpha1.DefaultRetryFor
	impliedSize = "256Mi"
)

// Objects are what the file comes to:
//
//	channels                 a Channel of the repository
//	sources, to a channel    a Source of the repository
//	events from a channel    a Subscription of the app
//	cron, to a channel       a Source of the app
//	cron and sources, to     a Source, a Channel and a Subscription of the app, all
//	    a path of the app    three named <app>-<name>
func (s *Spec) Objects() Objects {
	var o Objects
	for i, c := range s.Channels {
		o.Channels = append(o.Channels, Object[v1alpha1.ChannelSpec]{c.Name, c.Spec, fmt.Sprintf("channels[%d]", i), false})
	}
	for i, source := range s.Sources {
		key := fmt.Sprintf("sources[%d]", i)
		if source.Path == "" {
			o.Sources = append(o.Sources, Object[v1alpha1.SourceSpec]{source.Name, source.Spec, key, false})
			continue
		}
		var e Subscription
		beginSubscription(&e)
		e.Name, e.Spec.DeadLetter, e.Spec.To = source.Name, source.DeadLetter, v1alpha1.EventTarget{App: s.Name, Path: source.Path}
		o.deliver(s.Name, key, source.Spec, e)
	}
	for i, e := range s.Events {
		key := fmt.Sprintf("events[%d]", i)
		switch {
		case e.Cron == nil:
			o.Subscriptions = append(o.Subscriptions, Object[v1alpha1.SubscriptionSpec]{ofApp(s.Name, e.Name), e.Spec, key, true})
		case e.Spec.To.Channel != "":
			spec := v1alpha1.SourceSpec{Channel: e.Spec.To.Channel, Cron: e.Cron, Paused: e.Spec.Paused}
			o.Sources = append(o.Sources, Object[v1alpha1.SourceSpec]{ofApp(s.Name, e.Name), spec, key, true})
		default:
			o.deliver(s.Name, key, v1alpha1.SourceSpec{Cron: e.Cron, Paused: e.Spec.Paused}, e)
		}
	}
	return o
}

// deliver adds a source whose events go to a path of the app.
func (o *Objects) deliver(app, key string, source v1alpha1.SourceSpec, e Subscription) {
	name := ofApp(app, e.Name)
	source.Channel, e.Spec.Channel = name, name
	e.Spec.From = v1alpha1.FromEarliest // the source may be quicker than the subscription
	o.Channels = append(o.Channels, Object[v1alpha1.ChannelSpec]{name, NewChannel(impliedKeep, impliedSize), key, true})
	o.Sources = append(o.Sources, Object[v1alpha1.SourceSpec]{name, source, key, true})
	o.Subscriptions = append(o.Subscriptions, Object[v1alpha1.SubscriptionSpec]{name, e.Spec, key, true})
}

// NewChannel is a channel that keeps so much, and has all else as by default.
func NewChannel(keep time.Duration, size string) v1alpha1.ChannelSpec {
	var c Channel
	beginChannel(&c)
	c.Spec.Keep, c.Spec.Size = metav1.Duration{Duration: keep}, resource.MustParse(size)
	return c.Spec
}

// NewSubscription copies the events of a channel to another one.
func NewSubscription(from, to string) v1alpha1.SubscriptionSpec {
	var e Subscription
	beginSubscription(&e)
	e.Spec.Channel, e.Spec.To.Channel = from, to
	return e.Spec
}

// ofApp is the name of an object of an app.
func ofApp(app, name string) string { return cmp.Or(app, "?") + "-" + name }

// acrossObjects: each object has a name of its own, which is not too long.
func (r *reader) acrossObjects(s *Spec) {
	told := map[string]bool{}
	o := s.Objects()
	unique(r, told, "Channel", o.Channels)
	unique(r, told, "Source", o.Sources)
	unique(r, told, "Subscription", o.Subscriptions)
}

// unique tells of each place once.
func unique[S any](r *reader, told map[string]bool, kind string, objects []Object[S]) {
	first := map[string]string{}
	for _, o := range objects {
		key := o.Key + ".name"
		switch {
		case !r.has(key) && r.has(o.Key+".from"):
			key = o.Key + ".from"
		case !r.has(key):
			continue // a problem already
		}
		other := first[o.Name]
		if other == "" {
			first[o.Name] = o.Key
		}
		switch {
		case told[o.Key]:
		case other != "":
			told[o.Key] = true
			r.failAt(r.at[key], key, "%s makes the %s %q, too; give one of them another name", other, kind, clip(o.Name))
		case len(o.Name) > v1alpha1.MaxEventingName:
			told[o.Key] = true
			r.failAt(r.at[key], key, "the %s would be named %s, which has %d characters; at most %d are allowed, so give it a shorter name", kind, clip(o.Name), len(o.Name), v1alpha1.MaxEventingName)
		}
	}
}

// KeyOfName is where the name of an object stands.
func (o *Object[S]) KeyOfName() string { return o.Key + ".name" }
