// Package decide says how many pods a revision needs. It is pure: values and
// the time in, a decision out; no clock, no client, no goroutine.
//
// It promises: the answer lies within min and max; a revision with a request
// in flight or waiting is never scaled to zero; without reports nothing is
// scaled down; after a restart nothing is scaled down until a whole stable
// window has been seen; more load never gives fewer pods.
//
// It does not know activators, Deployments or pods; scaler/autoscaler does.
//
// Load is measured exactly. Activators report the time that requests have
// spent in them as a running sum, so the average number of requests over any
// window is the growth of that sum divided by the window, whatever happened
// between two reports. Knative samples the concurrency of each pod once a
// second and decides every two seconds.
package decide

import "time"

const (
	// Cadence is how often an activator reports.
	Cadence = 100 * time.Millisecond
	// Expiry is when the numbers of a silent activator no longer count: three
	// missed reports.
	Expiry = 3 * Cadence
	// holdLimit is how long requests of a silent activator keep a revision from
	// being idle: as long as scaler/report keeps a silent stream open. An
	// activator that ended has closed its stream at once.
	holdLimit = 5 * time.Second

	// StableWindow is what pods are removed by. Knative's stable-window.
	StableWindow = 60 * time.Second
	// PanicWindow is what an overload is noticed by. Knative takes 6 s
	// (panic-window-percentage 10); an exact average needs less smoothing.
	PanicWindow = 3 * time.Second
	// panicThreshold is the load over what the ready pods should carry from
	// which on the short window decides. Knative waits for twice the load
	// (panic-threshold-percentage 200) and leaves anything below that to the
	// stable window, which takes up to a minute.
	panicThreshold = 1.5

	// maxUp bounds the growth to a multiple of the pods that have proved to
	// run. Knative's max-scale-up-rate 1000 is no bound in practice: a broken
	// or slow-starting revision takes all its pods at once there.
	maxUp = 10
	// maxDown is the largest divisor of the pods within downEvery. Knative's
	// max-scale-down-rate 2, every two seconds.
	maxDown   = 2
	downEvery = 5 * time.Second

	// startLimit is how long starting pods keep a revision from being idle: as
	// long as a container may take until Kubernetes starts it again.
	startLimit = 2 * time.Minute
	// look is the pause between two decisions while an average still moves.
	look = time.Second

	// defaultConcurrency is the requests in flight that a pod should carry.
	// Knative: 70 (container-concurrency-target-default 100 at 70%).
	defaultConcurrency = 80
	// limitUse is the share of a hard limit that a pod should carry, so that a
	// burst finds room. Knative's container-concurrency-target-percentage.
	limitUse = 0.7
	// defaultIdle is the quiet time before the last pod goes. Knative's
	// scale-to-zero-grace-period, after its stable window of 60 s.
	defaultIdle = 30 * time.Second
	// defaultMax is the API's default of scale.max.
	defaultMax = 20
)
