// Package autoscaler keeps the number of pods of every revision at what
// scaler/decide says.
//
// It promises: a request that waits for a pod leads to a patch of the
// Deployment within milliseconds, without waiting for a tick; spec.replicas is
// the only field of a Deployment that it writes, as field manager
// headway-autoscaler; pods that are to go are first taken out of traffic, the
// emptiest first; whoever stands by knows the load already, decides along and
// writes nothing.
//
// It does not make Deployments (reconciler/revision does) and does not touch
// requests.
//
// One revision's way through a reconciliation:
//
//	observe   Revision, Deployment and Routes of the cache, reports of the activators
//	decide    scaler/decide, with the state of the last time
//	act       leader only: nothing, scale, or drain and then scale
package autoscaler
