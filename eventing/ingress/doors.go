package ingress

import (
	"errors"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/access"
)

// Door is the way into one channel.
type Door struct {
	Log Log
	// MaxEvent is the largest body in bytes.
	MaxEvent int64
	// Rule says who may send.
	Rule *access.Rule
}

// Doors are the channels that take events. The zero value has none, and has
// senders ask again until Ready; it is safe for concurrent use. Finding a door
// takes no lock: the table is replaced as a whole.
type Doors struct {
	ready atomic.Bool
	table atomic.Pointer[map[types.NamespacedName]*Door]

	mu sync.Mutex // held by who replaces the table
}

// Open lets events into a channel from now on.
func (d *Doors) Open(name types.NamespacedName, door Door) {
	if is := d.at(name); is != nil && *is == door {
		return
	}
	d.change(func(table map[types.NamespacedName]*Door) { table[name] = &door })
}

// Shut refuses events to a channel from now on. Those that are being taken in are
// not stopped.
func (d *Doors) Shut(name types.NamespacedName) {
	if d.at(name) != nil {
		d.change(func(table map[types.NamespacedName]*Door) { delete(table, name) })
	}
}

// Rule is that of the door of a channel; nil if there is none.
func (d *Doors) Rule(name types.NamespacedName) *access.Rule {
	if door := d.at(name); door != nil {
		return door.Rule
	}
	return nil
}

// at is the door of a channel; nil if there is none.
func (d *Doors) at(name types.NamespacedName) *Door {
	if table := d.table.Load(); table != nil {
		return (*table)[name]
	}
	return nil
}

func (d *Doors) change(do func(map[types.NamespacedName]*Door)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	table := map[types.NamespacedName]*Door{}
	if now := d.table.Load(); now != nil {
		table = maps.Clone(*now)
	}
	do(table)
	d.table.Store(&table)
}

// Ready says that all channels are known: one without a door does not exist.
func (d *Doors) Ready() { d.ready.Store(true) }

// IsReady is nil from Ready on.
func (d *Doors) IsReady() error {
	if !d.ready.Load() {
		return errors.New("the channels are being opened")
	}
	return nil
}

// find is the door of a channel, or why there is none.
func (d *Doors) find(name types.NamespacedName) (*Door, *refusal) {
	if door := d.at(name); door != nil {
		return door, nil
	}
	if !d.ready.Load() {
		return nil, &refusal{kind: "starting", status: http.StatusServiceUnavailable, retryAfter: time.Second, closes: true,
			detail: "The channels are being opened. Send again in a moment."}
	}
	return nil, unknown
}
