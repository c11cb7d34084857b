// Package autoscaler keeps the number of pods of every revision at what
// scaler/decide says.
//
// It promises: a request that waits for a pod leads to a patch of the
// Deployment, or to a call that wakes a parked pod, within milliseconds, without
// waiting for a tick; spec.replicas is the only field of a Deployment that it
// writes, as field manager headway-autoscaler; pods that are to go are first
// taken out of traffic, the emptiest first; whoever stands by knows the load
// already, decides along and writes nothing.
//
// It makes neither Deployments nor parked pods (reconciler/revision does) and
// does not touch requests.
//
// One revision's way through a reconciliation:
//
//	observe   Revision, its role, Deployment and standby of the cache, reports of the
//	          activators, and what was changed since
//	decide    scaler/decide, with the state of the last time
//	act       leader only: nothing, grow, or drain and then shrink
//	maintain  leader only: what woken pods need whatever the load is
package autoscaler
