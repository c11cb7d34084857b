package event

import (
	"fmt"
	"strings"
)

// Problem is what is wrong with an event that somebody sent.
type Problem struct {
	// Event is the place of the event in a batch, from 0; nil without a batch.
	Event *int `json:"event,omitempty"`
	// Attribute that is wrong, or data; "" if the body as a whole is.
	Attribute string `json:"attribute,omitempty"`
	// Reason goes on after the attribute: "is missing".
	Reason string `json:"reason"`
}

// Error is a sentence without its end, such as "event 3: attribute id is missing".
func (p *Problem) Error() string {
	text := p.Reason
	switch p.Attribute {
	case "":
	case memberData, memberBase64:
		text = p.Attribute + " " + text
	default:
		text = "attribute " + p.Attribute + " " + text
	}
	if p.Event != nil {
		text = fmt.Sprintf("event %d: %s", *p.Event, text)
	}
	return text
}

// problem makes a Problem that fits into an answer and a log, whatever was sent.
func problem(attribute, format string, args ...any) *Problem {
	return &Problem{Attribute: clip(attribute, MaxName), Reason: clip(fmt.Sprintf(format, args...), maxReason)}
}

// maxReason is how long a Reason may be, in bytes, save for the dots.
const maxReason = 250

func clip(text string, size int) string {
	if len(text) <= size {
		return text
	}
	return strings.ToValidUTF8(text[:size], "") + "..."
}
