package decide

import (
	"math"
	"strconv"
	"time"
)

// Coming is traffic of the revision's app that is about to come to it. The zero
// value is none.
type Coming struct {
	// Part of all that comes to the app, above 0 to 1; what the revision has
	// already is in it.
	Part float64
	// App is the load of all revisions of the app together.
	App Load
	// Known is false while App may lack something.
	Known bool
}

// comingKept is how long the pods for traffic that was about to come stay when it
// has come, or does not come any more: then the stable window knows enough.
const comingKept = 2 * time.Minute

// coming has pods ready for what is about to come, and keeps them until the load
// shows how many are needed.
func (d *decision) coming() {
	s, c := d.state, d.seen.Coming
	if c.Part > 0 {
		s.comingPods = max(1, d.podsFor(c.App.times(c.Part)))
		s.comingUntil = d.now.Add(comingKept)
		d.adjust(max(d.Replicas, s.comingPods), "%s of the app's traffic comes next", percent(c.Part))
		return
	}
	if d.now.Before(s.comingUntil) {
		d.adjust(max(d.Replicas, s.comingPods), "made ready for traffic less than %s ago", short(comingKept))
	}
}

// carries is the part of the app's load, 0 to 1, that the ready pods can carry:
// all of it where there is none, and where there may be no more pods.
func (d *decision) carries() float64 {
	c, ready := d.seen.Coming, d.seen.Ready
	need := d.spec.need(c.App)
	switch {
	case c.Part == 0 || ready == 0 || ready < d.spec.Min || d.load.blind || !c.Known:
		return 0
	case ready >= d.spec.Max:
		return 1
	}
	return min(1, float64(ready)/max(need-1e-6, 1e-6))
}

// times is a part of a load.
func (l Load) times(part float64) Load {
	return Load{InFlight: l.InFlight * part, Rate: l.Rate * part}
}

func percent(part float64) string {
	return strconv.FormatFloat(math.Round(part*1e4)/100, 'f', -1, 64) + "%"
}

// Plus adds two loads.
func (l Load) Plus(other Load) Load {
	return Load{InFlight: l.InFlight + other.InFlight, Rate: l.Rate + other.Rate}
}

// Most is the larger of two loads in each respect.
func (l Load) Most(other Load) Load {
	return Load{InFlight: max(l.InFlight, other.InFlight), Rate: max(l.Rate, other.Rate)}
}
