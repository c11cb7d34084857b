package eventing

import (
	"fmt"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/delivery"
)

// seenSubscription is what there is of what a Subscription names.
type seenSubscription struct {
	// channels are those with an object, by name.
	channels map[string]bool
	// kept reports whether the channel that events come from has a log, with or
	// without an object.
	kept bool
	// host is the first of the App's Route; "" if it has none.
	host string
	// lostTo is the Route, namespace/name, that host belongs to instead.
	lostTo string
}

// named are the channels that a spec names, with the key that does.
func named(spec *v1alpha1.SubscriptionSpec) [][2]string {
	var all [][2]string
	for _, one := range [][2]string{{"channel", spec.Channel}, {"to", spec.To.Channel}, {"reply", spec.Reply}, {"deadLetter", spec.DeadLetter}} {
		if one[1] != "" {
			all = append(all, one)
		}
	}
	return all
}

// resolve finds where the events of a Subscription go. While there is a problem,
// a False state, nothing must be delivered. It is pure.
func resolve(object *v1alpha1.Subscription, seen seenSubscription, activator string) (delivery.Target, condition.State) {
	spec := &object.Spec
	for _, one := range named(spec) {
		if !seen.channels[one[1]] {
			return delivery.Target{}, condition.False(v1alpha1.ReasonChannelNotFound, fmt.Sprintf(
				"%s names channel %q, which does not exist in namespace %s; add it to channels in a headway.yaml there. %s", one[0], one[1], object.Namespace, waits(seen)))
		}
	}
	switch app := spec.To.App; {
	case app == "":
		return delivery.Target{URL: spec.To.URL}, condition.State{}
	case seen.host == "":
		return delivery.Target{}, condition.False(v1alpha1.ReasonAppNotFound, fmt.Sprintf(
			"app %q does not exist in namespace %s, or has no address yet; `headway status %s` says which. %s", app, object.Namespace, app, waits(seen)))
	case seen.lostTo != "":
		return delivery.Target{}, condition.False(v1alpha1.ReasonHostConflict, fmt.Sprintf(
			"host %s of app %q belongs to the older route %s, whose app must not get its events; rename one of the apps. %s", seen.host, app, seen.lostTo, waits(seen)))
	default:
		path := spec.To.Path
		if path == "" {
			path = "/"
		}
		return delivery.Target{URL: activator + path, Host: seen.host, App: app}, condition.State{}
	}
}

// waits says what becomes of events until a problem is solved.
func waits(seen seenSubscription) string {
	if !seen.kept {
		return "There are no events before that"
	}
	return "Events wait in the channel meanwhile"
}
