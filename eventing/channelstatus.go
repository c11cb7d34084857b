package eventing

import (
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
)

// nearlyFull is how many bytes are free, or fewer, when a channel counts as full:
// it may not have room for an event as large as every channel must take.
const nearlyFull = 64 << 10

// seenChannel is what there is to say about a channel beside its spec.
type seenChannel struct {
	state channel.State
	// invalid is why there is no log.
	invalid *channel.InvalidName
	// unhealthy is why the store takes nothing until it is restarted.
	unhealthy error
	// refuses is why it takes nothing for now.
	refuses error
	// outside is why senders outside cannot send, where they may.
	outside error
}

// urlOf is the URL of a Channel at that of an ingress.
func urlOf(ingress string, object *v1alpha1.Channel) string {
	return ingress + "/" + object.Namespace + "/" + object.Name
}

// channelStatus is the status of a Channel. It is pure.
func channelStatus(object *v1alpha1.Channel, seen seenChannel, url, outsideURL string, now time.Time) v1alpha1.ChannelStatus {
	status := *object.Status.DeepCopy()
	status.ObservedGeneration = object.Generation
	status.URL, status.OutsideURL = urlOf(url, object), ""
	if access := object.Spec.Access; access != nil && access.Outside != nil && outsideURL != "" {
		status.OutsideURL = urlOf(outsideURL, object)
	}
	status.First, status.Last = int64(seen.state.First), int64(seen.state.Last)
	status.Events, status.Bytes = int64(seen.state.Events), int64(seen.state.Bytes)
	condition.Set(&status.Conditions, v1alpha1.ConditionReady, judgeChannel(&object.Spec, seen, now), object.Generation, now)
	return status
}

func judgeChannel(spec *v1alpha1.ChannelSpec, seen seenChannel, now time.Time) condition.State {
	size := spec.Size.Value()
	switch gap := seen.state.Gap; {
	case seen.invalid != nil:
		return condition.False(v1alpha1.ReasonInvalidName, seen.invalid.Error()+"; make it again with another name")
	case seen.unhealthy != nil:
		return condition.False(v1alpha1.ReasonUnhealthy, "no events are accepted until the eventing program has started again: "+seen.unhealthy.Error())
	case seen.refuses != nil:
		return condition.False(v1alpha1.ReasonDiskLow, seen.refuses.Error()+"; let the claim of headway-eventing in headway-system grow, or lower keep and size of channels")
	case int64(seen.state.Bytes)+nearlyFull > size:
		return condition.False(v1alpha1.ReasonFull, fmt.Sprintf(
			"%d of %d bytes are taken; events are refused until the oldest have been kept for %s. Raise size, or lower keep", seen.state.Bytes, size, spec.Keep.Duration))
	case access.IsMissing(seen.outside):
		return condition.True(v1alpha1.ReasonSecretNotFound, fmt.Sprintf(
			"events are accepted from within the cluster, and none from outside, as %v", seen.outside))
	case gap != nil && now.Sub(gap.Found) < spec.Keep.Duration:
		return condition.True(v1alpha1.ReasonEventsLost, fmt.Sprintf(
			"%d events with sequence numbers from %d to %d were lost on the disk, which was found at %s; new ones are accepted", gap.Lost, gap.From, gap.To, gap.Found.UTC().Format(time.RFC3339)))
	}
	return condition.True(v1alpha1.ReasonAccepting, "")
}
