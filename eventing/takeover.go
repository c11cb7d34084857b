package eventing

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// takeOver gives a Subscription that continues another one the place of that, once
// that is deleted, and returns what it still waits for. Deliveries are never made for
// both: the other one is not brought back meanwhile.
func (r *subscriptions) takeOver(ctx context.Context, name types.NamespacedName) (waits condition.State, err error) {
	var object, before v1alpha1.Subscription
	there, err := r.read(ctx, name, &object)
	if err != nil || !there || object.Spec.Continues == "" || object.Spec.Continues == name.Name || r.cursors.Has(name, object.Spec.Channel) {
		return condition.State{}, err
	}
	r.handing.Lock()
	defer r.handing.Unlock()
	from := types.NamespacedName{Namespace: name.Namespace, Name: object.Spec.Continues}
	there, err = r.read(ctx, from, &before)
	if err != nil {
		return condition.State{}, err
	}
	if there && before.Spec.Channel == object.Spec.Channel {
		return condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("subscription %q delivers until it is deleted; this one goes on where it was", from.Name)), nil
	}
	r.dispatcher.Remove(from)
	over, err := r.dispatcher.TakeOver(ctx, from, name, object.Spec.Channel)
	if err == nil && !over {
		waits = condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("the last deliveries of subscription %q are under way; this one goes on where it was", from.Name))
	}
	return waits, err
}
