package backend

import "github.com/headway-dev/headway/scaler/activator/list"

// waiter is a request that waits for a pod.
type waiter struct {
	granted chan *Pod // capacity 1; written at most once, under Pool.mu; nil: see why
	why     error     // there will be no pod
	place   list.Node[*waiter]
}

// queue holds waiters in the order of their arrival. Guarded by Pool.mu.
type queue = list.List[*waiter]
