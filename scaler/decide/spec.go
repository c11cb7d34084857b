package decide

import "time"

// Spec is how a revision wants to be scaled. Zero values mean the defaults.
type Spec struct {
	// Min and Max bound the pods. Defaults: 0 and 20. A Min above Max counts
	// as Max.
	Min, Max int
	// Keep is true where Min is what there is: requests went elsewhere and may
	// come back at once. It is for the reason of the decision.
	Keep bool
	// Initial is the number of pods until the revision has been ready once.
	// Default: 0, which is none before the first request.
	Initial int
	// Activation is the least number of pods while there are any. Default: 1.
	Activation int

	// Concurrency is the number of requests in flight that one pod should
	// carry. Default: 80. More than Limit counts as 70% of Limit.
	Concurrency float64
	// RPS is the number of requests per second that one pod should carry,
	// beside Concurrency; the larger need wins. Default: 0, the rate does not
	// matter.
	RPS float64
	// Limit is the number of requests that one pod can have in flight; more
	// wait. 0 is no limit.
	Limit int

	// Idle is the time without any request until the last pods go. Default:
	// 30s.
	Idle time.Duration
	// DownDelay is how long fewer pods must have been enough before pods go.
	// Default: the time that a pod of this revision took to become ready.
	DownDelay time.Duration
}

// withDefaults fills in what is not set and repairs what cannot be.
func (s Spec) withDefaults() Spec {
	if s.Max < 1 {
		s.Max = defaultMax
	}
	s.Min = min(max(s.Min, 0), s.Max)
	s.Initial = max(s.Initial, 0)
	s.Activation = max(s.Activation, 1)
	if s.Idle <= 0 {
		s.Idle = defaultIdle
	}
	if s.Concurrency <= 0 {
		s.Concurrency = defaultConcurrency
	}
	if limit := float64(s.Limit); limit > 0 && s.Concurrency > limit {
		s.Concurrency = limitUse * limit
	}
	return s
}

// need is the number of pods that carry a load, in parts of pods.
func (s Spec) need(l Load) float64 {
	need := l.InFlight / s.Concurrency
	if s.RPS > 0 {
		need = max(need, l.Rate/s.RPS)
	}
	return need
}
