package promotion

import (
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// shortest is how long a rise of a ramp takes at least. Each is written to
	// the Route and the status.
	shortest = 5 * time.Second
	// ahead is for how long before its weight the pods of a ramp are asked for.
	ahead = time.Minute
)

// course is the way of a candidate to all of the traffic. A step is a time with
// one weight; step 0 is the time before the first one, without any. All weights
// are parts of what shares leave.
//
//	rule        steps                               pods before a step
//	instant     none                                for all of the traffic, where
//	                                                the live one has more than it
//	canary      each of its weights, for every      for its weight
//	ramp        rises of the same size, of 5 s      for its weight; asked for
//	            or as long as 0.01% takes           a minute before
//	bluegreen   the soak, without weight            for all of the traffic
type course struct {
	weights []int32       // of a canary
	rise    int32         // of a ramp, at each step; 0: it is none
	soak    time.Duration // of blue-green
	every   time.Duration // a step takes at least
	pods    bool          // that the weight needs pods
	all     bool          // that even the first step needs pods for all
	minimum int64         // requests within a step; of a ramp, in all
}

// courseOf a candidate by its rule. outgrown is true where the live revision has
// more pods than it: whether so many are needed, only the autoscaler knows.
func courseOf(rule *v1alpha1.Rule, outgrown bool) course {
	var c course
	if rule.Gates != nil {
		c.minimum = rule.Gates.MinRequests
	}
	switch {
	case rule.Canary != nil && rule.Canary.Ramp.Duration > 0:
		ramp := rule.Canary.Ramp.Duration
		c.pods = true
		c.rise = max(1, min(v1alpha1.Whole, int32((shortest*v1alpha1.Whole+ramp-1)/ramp)))
		c.every = ramp * time.Duration(c.rise) / v1alpha1.Whole
	case rule.Canary != nil:
		c.pods, c.weights, c.every = true, rule.Canary.Steps, rule.Canary.Every.Duration
	case rule.BlueGreen != nil:
		c.pods, c.all, c.soak = true, true, rule.BlueGreen.Soak.Duration
	default:
		c.pods = outgrown
	}
	return c
}

// steps is how many there are before all of the traffic.
func (c course) steps() int32 {
	switch {
	case c.rise > 0:
		return (v1alpha1.Whole - 1) / c.rise
	case c.soak > 0:
		return 1
	}
	return int32(len(c.weights))
}

// weight of a step. All of the traffic follows the last one.
func (c course) weight(step int32) int32 {
	switch {
	case step <= 0:
		return 0
	case step > c.steps():
		return v1alpha1.Whole
	case c.rise > 0:
		return step * c.rise
	case c.soak > 0:
		return 0
	}
	return c.weights[step-1]
}

// lasts is how long a step takes at least.
func (c course) lasts(step int32) time.Duration {
	switch {
	case step == 0:
		return 0
	case c.soak > 0:
		return c.soak
	}
	return c.every
}

// requests is how many have to arrive in a step. A ramp spreads them over its
// rises. None can where nothing has weight.
func (c course) requests(step int32) int64 {
	switch {
	case c.weight(step) == 0:
		return 0
	case c.rise > 0:
		return (c.minimum*int64(c.rise) + v1alpha1.Whole - 1) / v1alpha1.Whole
	}
	return c.minimum
}

// carry is the part of the traffic that there must be pods for before a step.
func (c course) carry(step int32) int32 {
	switch {
	case !c.pods:
		return 0
	case c.all:
		return v1alpha1.Whole
	}
	return c.weight(step)
}

// coming is the weight that pods are asked for within a step, whatever it waits
// for.
func (c course) coming(step int32) int32 {
	switch {
	case step == 0:
		return 0
	case c.rise > 0:
		return c.weight(step + int32(ahead/c.every))
	case c.all:
		return v1alpha1.Whole
	}
	return 0
}

// at finds the last step whose weight is not above the one that is served out of
// rest, and the part that this is: that of the step, or what is between two.
func (c course) at(served, rest int32) (step, part int32) {
	for served > 0 && step < c.steps() && c.weight(step+1) > 0 && portion(c.weight(step+1), rest) <= served {
		step++
	}
	if part = c.weight(step); portion(part, rest) < served {
		part = min((served*v1alpha1.Whole+rest-1)/rest, v1alpha1.Whole-1)
	}
	return step, part
}

// portion is a part of rest in whole basis points. A part is never nothing.
func portion(part, rest int32) int32 {
	if part == 0 {
		return 0
	}
	return max(1, part*rest/v1alpha1.Whole)
}
