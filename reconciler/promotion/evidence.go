package promotion

import (
	"fmt"
	"math"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Evidence of how a revision does.
type Evidence struct {
	// Crash is its last one; nil: none is known.
	Crash *v1alpha1.Crash
	// Answers are those of its pods: of the live revision since it took the
	// traffic, of the kept one in the time before.
	Answers Answers
}

// Answers counts the requests that pods have had.
type Answers struct {
	// All that have ended, and those of them that ended badly: with a status of
	// 5xx, or without an answer.
	All, Bad uint64
}

// What is far above: with all but one chance in 2,000 (deviations of a normal
// distribution, one side), the share of bad answers is above tolerated and above
// factor times what the predecessor's may be. The bounds are those of Wilson's
// score interval (1927). It is blunt on purpose: it looks at every report, and
// has to be right each time. Fewer than fewBad are never much. A predecessor of
// which little is known may have answered half of its requests badly.
const (
	fewBad     = 5
	deviations = 3.29
	tolerated  = 0.05
	factor     = 2
	fewAnswers = 100
	unknown    = 0.5
)

// failure says why a revision that took the traffic at since fails, beside what
// is known of its predecessor; empty while it does not.
func (e Evidence) failure(since time.Time, predecessor Evidence) string {
	if e.Crash != nil && e.Crash.SeenAt.After(since) {
		return e.Crash.Message
	}
	before := predecessor.Answers
	if lower, _ := e.Answers.share(); e.Answers.Bad < fewBad || lower <= before.allowed() {
		return ""
	}
	message := fmt.Sprintf("%d of its first %d answers were errors (5xx)", e.Answers.Bad, e.Answers.All)
	if before.All > 0 {
		message += fmt.Sprintf(", of its predecessor's %d of %d", before.Bad, before.All)
	}
	return message
}

// allowed is the share of bad answers that the successor may have.
func (a Answers) allowed() float64 {
	if a.All < fewAnswers {
		return unknown
	}
	_, upper := a.share()
	return max(tolerated, factor*upper)
}

// share is between which bounds the true share of bad answers lies.
func (a Answers) share() (lower, upper float64) {
	if a.All == 0 {
		return 0, 1
	}
	n, p, z2 := float64(a.All), float64(a.Bad)/float64(a.All), deviations*deviations
	middle := (p + z2/(2*n)) / (1 + z2/n)
	width := deviations / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	return middle - width, middle + width
}
