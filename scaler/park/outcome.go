package park

import "errors"

// Outcome of a wake call, in one word. The zero value is that none was made.
type Outcome string

// The outcomes.
const (
	Woken       Outcome = "woken"
	Refused     Outcome = "refused" // it runs already, most likely
	Denied      Outcome = "denied"
	Unreachable Outcome = "unreachable"
)

// OutcomeOf is what an answer of Wake means.
func OutcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Woken
	case errors.Is(err, ErrRefused):
		return Refused
	case errors.Is(err, ErrDenied):
		return Denied
	}
	return Unreachable
}

// Runs reports whether the application runs now.
func (o Outcome) Runs() bool { return o == Woken || o == Refused }
