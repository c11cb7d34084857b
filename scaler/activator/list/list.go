// Package list is a doubly linked list whose links lie in what is listed, so that
// joining and leaving take constant time and allocate nothing. It is not safe for
// concurrent use.
package list

// Node is the place of a value in a list. It is part of that value, and in one
// list at a time.
type Node[T any] struct {
	// Value that has the node.
	Value      T
	prev, next *Node[T]
	listed     bool
}

// Next is the node behind n; nil at the end.
func (n *Node[T]) Next() *Node[T] { return n.next }

// Listed reports whether n is in a list.
func (n *Node[T]) Listed() bool { return n.listed }

// List has a first and a last node. The zero value is empty.
type List[T any] struct {
	first, last *Node[T]
	size        int
}

// Len is the number of nodes.
func (l *List[T]) Len() int { return l.size }

// First node; nil of an empty list.
func (l *List[T]) First() *Node[T] { return l.first }

// PushBack adds n, which is in no list, at the end.
func (l *List[T]) PushBack(n *Node[T]) { l.insert(n, l.last, nil) }

// PushFront adds n, which is in no list, at the begin.
func (l *List[T]) PushFront(n *Node[T]) { l.insert(n, nil, l.first) }

func (l *List[T]) insert(n, prev, next *Node[T]) {
	n.prev, n.next, n.listed = prev, next, true
	*l.after(prev), *l.before(next) = n, n
	l.size++
}

// Remove takes n out, if it is in this list.
func (l *List[T]) Remove(n *Node[T]) {
	if !n.listed {
		return
	}
	*l.after(n.prev), *l.before(n.next) = n.next, n.prev
	n.prev, n.next, n.listed = nil, nil, false
	l.size--
}

// after is what points to the node behind n; nil is the begin of the list.
func (l *List[T]) after(n *Node[T]) **Node[T] {
	if n == nil {
		return &l.first
	}
	return &n.next
}

// before is what points to the node before n; nil is the end of the list.
func (l *List[T]) before(n *Node[T]) **Node[T] {
	if n == nil {
		return &l.last
	}
	return &n.prev
}
