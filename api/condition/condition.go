// Package condition reads and writes kstatus-style conditions.
//
// It promises that an unchanged condition stays byte for byte the same, so that
// callers can compare a status with the one they read and write only changes.
package condition

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxMessage is the API server's limit for a condition's message, in bytes.
const maxMessage = 32 << 10

// State is what a condition says, without its book-keeping.
type State struct {
	Status  metav1.ConditionStatus
	Reason  string
	Message string
}

// True is a State that holds.
func True(reason, message string) State { return State{metav1.ConditionTrue, reason, message} }

// False is a State that does not hold; the message says what to change.
func False(reason, message string) State { return State{metav1.ConditionFalse, reason, message} }

// Unknown is a State that is on its way.
func Unknown(reason, message string) State { return State{metav1.ConditionUnknown, reason, message} }

// Set puts a condition into list. The transition time moves only with the
// status.
func Set(list *[]metav1.Condition, kind string, s State, generation int64, now time.Time) {
	if len(s.Message) > maxMessage {
		s.Message = strings.ToValidUTF8(s.Message[:maxMessage-3], "") + "..."
	}
	meta.SetStatusCondition(list, metav1.Condition{
		Type: kind, Status: s.Status, Reason: s.Reason, Message: s.Message,
		ObservedGeneration: generation,
		LastTransitionTime: metav1.NewTime(now.Truncate(time.Second)),
	})
}

// Get returns the named condition's State; the zero State when it is not there.
func Get(list []metav1.Condition, kind string) State {
	if c := meta.FindStatusCondition(list, kind); c != nil {
		return State{c.Status, c.Reason, c.Message}
	}
	return State{}
}

// Note shortens a message to what fits into the note of an event, 1024 bytes.
func Note(message string) string { return Shorten(message, 1000) }

// Shorten cuts what is longer than so many bytes in its middle: a message says
// at its begin what it is about, and often at its end what the cause is.
func Shorten(message string, longest int) string {
	if len(message) <= longest {
		return message
	}
	const gap = " … "
	end := longest / 3
	begin := longest - end - len(gap)
	return strings.ToValidUTF8(message[:begin], "") + gap + strings.ToValidUTF8(message[len(message)-end:], "")
}

// Clip cuts a text of a user to so many characters, for use in a message.
func Clip(text string, longest int) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}
