package delivery

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
)

// TakeOver gives a subscription that has no place in a channel that of another one,
// which was removed, and those of its runs. It is to be tried again, and false, while
// attempts of the other one are under way: their events would be delivered twice.
func (d *Dispatcher) TakeOver(ctx context.Context, from, to types.NamespacedName, channel string) (over bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cursors.Has(to, channel) || !d.cursors.Has(from, channel) {
		return true, nil
	}
	for _, s := range d.subs {
		if s.of == from && !s.removedAndIdle() {
			return false, nil
		}
	}
	for _, s := range d.subs {
		if s.of == from {
			d.detach(s)
		}
	}
	d.cursors.Move(from, to, channel)
	if err := d.cursors.Flush(ctx); err != nil {
		return false, fmt.Errorf("noting that subscription %s goes on as %s: %w", from, to, err)
	}
	return true, nil
}
