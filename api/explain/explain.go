// Package explain says what the state of an App means, and of what belongs to it:
// what is live, what happens, why, and what to change. Objects of the API go in,
// values with a text form come out, so that the command line, and whatever else
// tells people about an app, says the same.
//
// It reads fields only. It has no client and no clock, decides nothing about
// traffic or pods, and matches no message: those are for people.
package explain

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Severity says how much a state or a finding matters to a person.
type Severity int

const (
	// Good is what was asked for.
	Good Severity = iota
	// Underway changes by itself, or waits for something that the text names.
	Underway
	// Failed stays so until somebody changes something.
	Failed
	// Obsolete is of no interest: nothing wants it any more.
	Obsolete
)

// State is how something is, in one word.
type State struct {
	Severity Severity
	// Word is the reason of the condition that matters now, or Pending while
	// nothing is known.
	Word string
}

// MarshalText gives programs the word.
func (s State) MarshalText() ([]byte, error) { return []byte(s.Word), nil }

// Finding is one thing that is not, or not yet, as git asks for.
type Finding struct {
	Severity Severity
	// Kind is repository, forge of repository, app, revision, channel, subscription
	// or request; Namespace and Name are the object's, or those by which people call
	// the request.
	Kind, Namespace, Name string
	// Reason is that of the condition.
	Reason string
	// Text says what is the matter; it may have several lines.
	Text string
	// Remedy says what to do where the text does not.
	Remedy string
}

// String is the finding as text: a line that names it, and then what is the
// matter, which may have several lines.
func (f Finding) String() string {
	text := fmt.Sprintf("%s %s: %s: %s", f.Kind, f.Name, f.Reason, f.Text)
	if f.Remedy != "" {
		text += "\n" + f.Remedy
	}
	return text
}

// finding is one about an object, from the condition that tells of it.
func finding(kind string, o metav1.Object, c *metav1.Condition) Finding {
	return Finding{Severity: severity(c), Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), Reason: c.Reason, Text: c.Message}
}

// stateOf is what a condition says; nil is none yet.
func stateOf(c *metav1.Condition) State {
	if c == nil {
		return State{Underway, "Pending"}
	}
	return State{severity(c), c.Reason}
}

func severity(c *metav1.Condition) Severity {
	switch {
	case c.Reason == v1alpha1.ReasonSuperseded:
		return Obsolete
	case c.Status == metav1.ConditionTrue:
		return Good
	case c.Status == metav1.ConditionFalse:
		return Failed
	}
	return Underway
}

// failed are the conditions of the given types that are False.
func failed(conditions []metav1.Condition, types ...string) []*metav1.Condition {
	var found []*metav1.Condition
	for _, kind := range types {
		if c := meta.FindStatusCondition(conditions, kind); c != nil && c.Status == metav1.ConditionFalse {
			found = append(found, c)
		}
	}
	return found
}

// Age is the time since from as kubectl prints it: the largest unit only, two
// digits at least. "-" for the zero time.
func Age(from, now time.Time) string {
	if from.IsZero() {
		return "-"
	}
	d := max(now.Sub(from), 0)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
