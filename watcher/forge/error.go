package forge

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
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

// StatusOf is the status of the answer that a failure tells; 0 for none.
func StatusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// GrantedBy says of the failure of a request, which changes nothing even where
// it is allowed, whether the right for it is there.
func GrantedBy(err error) Granted {
	var e *Error
	switch {
	case err == nil:
		return Yes
	case !errors.As(err, &e):
		return Unknown
	case e.Reason == v1alpha1.ReasonRightMissing:
		return No
	case e.Status == http.StatusNotFound, e.Status == http.StatusUnprocessableEntity, e.Status == http.StatusBadRequest:
		return Yes
	}
	return Unknown
}
