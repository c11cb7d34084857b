package cursor

import (
	"cmp"
	"slices"
)

// span is a range of sequence numbers, both ends included.
type span struct{ from, to uint64 }

// ranges are spans in order that neither overlap nor touch.
type ranges []span

// find is the first span that ends at seq or later.
func (r ranges) find(seq uint64) int {
	i, _ := slices.BinarySearchFunc(r, seq, func(s span, seq uint64) int { return cmp.Compare(s.to, seq) })
	return i
}

func (r ranges) has(seq uint64) bool {
	i := r.find(seq)
	return i < len(r) && r[i].from <= seq
}

// add joins s and whatever overlaps or touches it; touched is called with the
// beginnings of all spans that were there or are there now.
func (r *ranges) add(s span, touched func(from uint64)) {
	list := *r
	first := list.find(max(s.from, 1) - 1)
	last := first
	for last < len(list) && list[last].from <= s.to+1 {
		s.from, s.to = min(s.from, list[last].from), max(s.to, list[last].to)
		touched(list[last].from)
		last++
	}
	touched(s.from)
	*r = slices.Replace(list, first, last, s)
}

// raise takes all spans away that touch the floor, or lie below it, and returns
// the new floor.
func (r *ranges) raise(floor uint64, touched func(from uint64)) uint64 {
	n := 0
	for n < len(*r) && (*r)[n].from <= floor+1 {
		floor = max(floor, (*r)[n].to)
		touched((*r)[n].from)
		n++
	}
	*r = slices.Delete(*r, 0, n)
	return floor
}

// cut takes away what lies above last.
func (r *ranges) cut(last uint64, touched func(from uint64)) {
	list := *r
	for len(list) > 0 && list[len(list)-1].to > last {
		end := &list[len(list)-1]
		touched(end.from)
		if end.from <= last {
			end.to = last
			break
		}
		list = list[:len(list)-1]
	}
	*r = list
}
