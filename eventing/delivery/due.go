package delivery

import "container/heap"

// due is what is to be sent at a time: events to be tried again, and those whose
// turn has come. Of two at the same time the older one is first.
type due []dueEvent

type dueEvent struct {
	at  int64 // milliseconds since 1970
	seq uint64
}

func (d due) Len() int { return len(d) }
func (d due) Less(i, j int) bool {
	return d[i].at < d[j].at || d[i].at == d[j].at && d[i].seq < d[j].seq
}
func (d due) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *due) Push(x any)   { *d = append(*d, x.(dueEvent)) }
func (d *due) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

func (d *due) add(seq uint64, at int64) { heap.Push(d, dueEvent{at, seq}) }

// take returns the first event that is due.
func (d *due) take(now int64) (seq uint64, ok bool) {
	if len(*d) == 0 || (*d)[0].at > now {
		return 0, false
	}
	return heap.Pop(d).(dueEvent).seq, true
}
