package list

import (
	"slices"
	"testing"
)

// FuzzList compares with a slice.
func FuzzList(f *testing.F) {
	f.Add([]byte{0, 1, 2, 8, 9, 3, 16, 17, 18, 19})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var l List[int]
		nodes := make([]Node[int], 8)
		for i := range nodes {
			nodes[i].Value = i
		}
		var want []int
		for _, step := range steps {
			n := &nodes[step%8]
			if n.Listed() != slices.Contains(want, n.Value) {
				t.Fatalf("%d is listed: %t", n.Value, n.Listed())
			}
			switch {
			case n.Listed() || step&0x10 > 0:
				l.Remove(n)
				want = slices.DeleteFunc(want, func(v int) bool { return v == n.Value })
			case step&0x08 > 0:
				l.PushFront(n)
				want = slices.Insert(want, 0, n.Value)
			default:
				l.PushBack(n)
				want = append(want, n.Value)
			}
			var got, back []int
			for n := l.First(); n != nil; n = n.Next() {
				got = append(got, n.Value)
			}
			for n := l.last; n != nil; n = n.prev {
				back = append(back, n.Value)
			}
			slices.Reverse(back)
			if !slices.Equal(got, want) || !slices.Equal(back, want) || l.Len() != len(want) {
				t.Fatalf("%d: %v, and from the end %v; want %v", l.Len(), got, back, want)
			}
		}
	})
}
