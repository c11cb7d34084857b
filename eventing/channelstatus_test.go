package eventing

import (
	"context"
	"errors"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
)

func TestChannelStatus(t *testing.T) {
	gap := &channel.Gap{From: 3, To: 7, Lost: 4, Found: noon}
	for _, tc := range []struct {
		name  string
		seen  seenChannel
		after time.Duration // since noon
		want  condition.State
	}{
		{"new", seenChannel{}, 0, condition.True("Accepting", "")},
		{"with events", seenChannel{state: channel.State{First: 3, Last: 9, Events: 7, Bytes: 900 << 10}}, 0, condition.True("Accepting", "")},
		{"no room for the smallest maxEvent", seenChannel{state: channel.State{First: 3, Last: 9, Events: 7, Bytes: 961 << 10}}, 0,
			condition.False("Full", "984064 of 1048576 bytes are taken; events are refused until the oldest have been kept for 1h0m0s. Raise size, or lower keep")},
		{"a loss", seenChannel{state: channel.State{First: 8, Last: 9, Events: 2, Gap: gap}}, 59 * time.Minute,
			condition.True("EventsLost", "4 events with sequence numbers from 3 to 7 were lost on the disk, which was found at 2026-05-04T12:00:00Z; new ones are accepted")},
		{"a loss of what would be gone now", seenChannel{state: channel.State{First: 8, Last: 9, Events: 2, Gap: gap}}, time.Hour, condition.True("Accepting", "")},
		{"no room on the disk", seenChannel{refuses: &channel.Unavailable{Reason: "less than 256 MiB are free on the disk"}}, 0,
			condition.False("DiskLow", "events cannot be kept now: less than 256 MiB are free on the disk; let the claim of headway-eventing in headway-system grow, or lower keep and size of channels")},
		{"no key for the outside", seenChannel{outside: missingKey(t), state: channel.State{Gap: gap}}, 0,
			condition.True("SecretNotFound", "events are accepted from within the cluster, and none from outside, as there is no Secret till in namespace shop")},
		{"the key cannot be read now", seenChannel{outside: errors.New("away")}, 0, condition.True("Accepting", "")},
		{"unhealthy", seenChannel{refuses: errors.New("for the same reason"), unhealthy: errors.New("the disk does not answer"), state: channel.State{Gap: gap}}, 0,
			condition.False("Unhealthy", "no events are accepted until the eventing program has started again: the disk does not answer")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			object := &v1alpha1.Channel{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders", Generation: 2},
				Spec:       v1alpha1.ChannelSpec{Keep: metav1.Duration{Duration: time.Hour}, Size: resource.MustParse("1Mi"), MaxEvent: 64 << 10},
			}
			got := channelStatus(object, tc.seen, "http://headway-events.headway-system", "https://events.example.com", noon.Add(tc.after))
			if state := condition.Get(got.Conditions, v1alpha1.ConditionReady); state != tc.want {
				t.Errorf("got %+v, want %+v", state, tc.want)
			}
			state := tc.seen.state
			if got.URL != "http://headway-events.headway-system/shop/orders" || got.ObservedGeneration != 2 ||
				got.First != int64(state.First) || got.Last != int64(state.Last) || got.Events != int64(state.Events) || got.Bytes != int64(state.Bytes) {
				t.Errorf("status %+v of %+v", got, state)
			}
		})
	}
}

// missingKey is what the rule of a channel finds where a Secret is missing.
func missingKey(t *testing.T) error {
	t.Helper()
	object := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}}
	object.Spec.Access = &v1alpha1.ChannelAccess{Outside: &v1alpha1.OutsideAccess{HMAC: v1alpha1.KeyRef{Name: "till", Key: "hmac"}}}
	none := func(context.Context, string, string) (map[string][]byte, error) {
		return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, "till")
	}
	return access.NewRule(nil, object, "http://a/shop/orders", none, time.Now).Check(t.Context())
}

// TestOutsideURL: a Channel has one if senders outside have a way to it, and that is
// known.
func TestOutsideURL(t *testing.T) {
	object := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}}
	outside := object.DeepCopy()
	outside.Spec.Access = &v1alpha1.ChannelAccess{Outside: &v1alpha1.OutsideAccess{}}
	was := object.DeepCopy()
	was.Status.OutsideURL = "https://events.example.com/shop/orders"
	for _, tc := range []struct {
		name   string
		object *v1alpha1.Channel
		url    string
		want   string
	}{
		{"none", object, "https://events.example.com", ""},
		{"no more", was, "https://events.example.com", ""},
		{"one", outside, "https://events.example.com", "https://events.example.com/shop/orders"},
		{"nobody knows", outside, "", ""},
	} {
		if got := channelStatus(tc.object, seenChannel{}, "http://a", tc.url, noon).OutsideURL; got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
