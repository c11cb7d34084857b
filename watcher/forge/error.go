package forge

import (
	"fmt"
	"time"
)

// Error is a failure of a forge that a person can act on.
type Error struct {
	// Reason is one of the condition Forge.
	Reason string
	// Message says what is wrong and what to do. It has no credentials in it.
	Message string
	// RetryAfter is how long the forge is left alone, counted from now; 0 where
	// it may be asked at once.
	RetryAfter time.Duration
	// Status is that of the answer; 0 where there was none.
	Status int
}

func (e *Error) Error() string { return e.Message }

// Errorf makes an Error.
func Errorf(reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
