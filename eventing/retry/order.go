package retry

// Order has events with the same key delivered one after the other: the next one
// of a key goes when the one before is done or dead. Keys are hashes; two values
// with the same hash only wait for each other without need.
type Order struct {
	lines   map[uint64][]uint64 // per key: the event under way, then those that wait
	waiting int
}

// NewOrder makes an Order without events.
func NewOrder() *Order { return &Order{lines: map[uint64][]uint64{}} }

// Enter adds an event and reports whether it may go now. Events of a key must
// enter in their order.
func (o *Order) Enter(key, seq uint64) bool {
	line := append(o.lines[key], seq)
	o.lines[key] = line
	if len(line) > 1 {
		o.waiting++
	}
	return len(line) == 1
}

// Leave ends the event of a key that is under way; the next one that may go is
// returned.
func (o *Order) Leave(key uint64) (next uint64, ok bool) {
	line := o.lines[key]
	if len(line) <= 1 {
		delete(o.lines, key)
		return 0, false
	}
	o.lines[key] = line[1:]
	o.waiting--
	return line[1], true
}

// Waiting is how many events wait for another one.
func (o *Order) Waiting() int { return o.waiting }
