package explain

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// ForChannel says whether a channel takes events, and what is wrong with it. One
// that takes events and has something to say about those it had is Underway.
func ForChannel(c *v1alpha1.Channel) (State, []Finding) {
	f, known := eventingFinding("channel", c, c.Status.Conditions)
	if known && f.Severity == Good {
		if f.Text == "" {
			return State{Good, f.Reason}, nil
		}
		f.Severity = Underway
	}
	return State{f.Severity, f.Reason}, []Finding{f}
}

// ForSubscription says whether a subscription delivers, and why it does not. One
// that is paused, or has events that are tried again, is Underway.
func ForSubscription(s *v1alpha1.Subscription) (State, []Finding) {
	f, known := eventingFinding("subscription", s, s.Status.Conditions)
	switch {
	case known && f.Severity == Good && s.Status.Retrying == 0:
		return State{Good, f.Reason}, nil
	case known && f.Severity == Good, f.Reason == v1alpha1.ReasonPaused:
		f.Severity = Underway
	}
	return State{f.Severity, f.Reason}, []Finding{f}
}

// ForSource says whether a source takes events, and why it does not. One that is
// paused is Underway.
func ForSource(s *v1alpha1.Source) (State, []Finding) {
	f, known := eventingFinding("source", s, s.Status.Conditions)
	switch {
	case known && f.Severity == Good:
		return State{Good, f.Reason}, nil
	case f.Reason == v1alpha1.ReasonPaused:
		f.Severity = Underway
	}
	return State{f.Severity, f.Reason}, []Finding{f}
}

// Origin is where the events of a source come from, in a few words.
func Origin(spec *v1alpha1.SourceSpec) string {
	switch {
	case spec.Cron != nil:
		return strings.TrimSpace("cron " + spec.Cron.Schedule + " " + spec.Cron.TimeZone)
	case spec.GitHub != nil:
		return "github" + only(spec.GitHub.Events)
	case spec.GitLab != nil:
		return "gitlab" + only(spec.GitLab.Events)
	case spec.Gitea != nil:
		return "gitea" + only(spec.Gitea.Events)
	case spec.SQS != nil:
		return "sqs " + spec.SQS.Queue
	case spec.PubSub != nil:
		return "pubsub " + spec.PubSub.Subscription
	case spec.Kafka != nil:
		return "kafka" + only(spec.Kafka.Topics)
	case spec.Kubernetes != nil:
		return "kubernetes" + only(spec.Kubernetes.Kinds)
	case spec.Container != nil:
		return "container " + spec.Container.Image
	}
	return ""
}

// Intake is what a source has taken, in one line.
func Intake(s *v1alpha1.Source, now time.Time) string {
	state, _ := ForSource(s)
	text := fmt.Sprintf("%s, %s, to %s: %s, %s events", s.Name, Origin(&s.Spec), s.Spec.Channel, state.Word, grouped(s.Status.Events))
	if at := s.Status.LastEvent; at != nil {
		text += ", the last " + Age(at.Time, now) + " ago"
	}
	return text
}

// only is a list of names after a word.
func only(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " " + strings.Join(names, ", ")
}

// eventingFinding is what the condition Ready of an object says that the eventing
// program looks after; known is false while it says nothing.
func eventingFinding(kind string, o metav1.Object, conditions []metav1.Condition) (f Finding, known bool) {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return Finding{Severity: Underway, Kind: kind, Namespace: o.GetNamespace(), Name: o.GetName(), Reason: stateOf(nil).Word,
			Text: "the eventing program has not seen it yet", Remedy: "kubectl get pods --namespace headway-system shows whether it runs"}, false
	}
	return finding(kind, o, ready), true
}

// Progress is how far a subscription is, in one line.
func Progress(s *v1alpha1.Subscription, now time.Time) string {
	state, _ := ForSubscription(s)
	text := fmt.Sprintf("%s from %s to %s: %s", s.Name, s.Spec.Channel, Target(s.Spec.To), state.Word)
	for _, count := range []struct {
		n    int64
		what string
	}{{s.Status.Lag, "behind"}, {s.Status.Retrying, "tried again"}, {s.Status.Dead, "dead"}} {
		if count.n > 0 {
			text += fmt.Sprintf(", %s %s", grouped(count.n), count.what)
		}
	}
	if failure := Failure(s.Status.LastFailure, now); failure != "" {
		text += "; last failure " + failure
	}
	return text
}

// Failure is an attempt that failed, as text; nil is none.
func Failure(f *v1alpha1.DeliveryFailure, now time.Time) string {
	if f == nil {
		return ""
	}
	return fmt.Sprintf("%s ago: %s (event %s)", Age(f.At.Time, now), f.Message, f.Event)
}

// Target is where the events of a subscription go, in a few words: an app with
// its path, a channel, or a URL.
func Target(to v1alpha1.EventTarget) string {
	switch {
	case to.Channel != "":
		return "channel " + to.Channel
	case to.URL != "":
		return to.URL
	case to.Path == "":
		return to.App + "/"
	}
	return to.App + to.Path
}

// Filter is a filter as a condition that a person reads: type=order.created,
// type=order.* for a prefix. It is "" for one that every event passes.
func Filter(f *v1alpha1.EventFilter) string {
	if f == nil {
		return ""
	}
	return strings.Join(filterParts(f), " and ")
}

// filterParts are the conditions that all have to hold.
func filterParts(f *v1alpha1.EventFilter) []string {
	var parts []string
	for _, form := range []struct {
		values        map[string]string
		before, after string
	}{{f.Exact, "", ""}, {f.Prefix, "", "*"}, {f.Suffix, "*", ""}} {
		for _, name := range slices.Sorted(maps.Keys(form.values)) {
			parts = append(parts, name+"="+form.before+filterValue(form.values[name])+form.after)
		}
	}
	if f.CESQL != "" {
		parts = append(parts, "("+f.CESQL+")")
	}
	for i := range f.All {
		parts = append(parts, filterParts(&f.All[i])...)
	}
	if len(f.Any) > 0 {
		var any []string
		for i := range f.Any {
			any = append(any, oneFilter(&f.Any[i]))
		}
		parts = append(parts, "("+strings.Join(any, " or ")+")")
	}
	if f.Not != nil {
		parts = append(parts, "not "+oneFilter(f.Not))
	}
	return parts
}

// oneFilter is a filter within another one.
func oneFilter(f *v1alpha1.EventFilter) string {
	switch parts := filterParts(f); len(parts) {
	case 0:
		return "anything"
	case 1:
		return parts[0]
	default:
		return "(" + strings.Join(parts, " and ") + ")"
	}
}

// filterValue is a value, in quotes where it could be taken for something else.
func filterValue(v string) string {
	if v == "" || strings.ContainsAny(v, " *\"()") {
		return strconv.Quote(v)
	}
	return v
}

// Bytes is a size in three digits.
func Bytes(n int64) string {
	size, unit := float64(n), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for size >= 1023.5 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	digits := 0
	if unit > 0 && size < 9.995 {
		digits = 2
	} else if unit > 0 && size < 99.95 {
		digits = 1
	}
	return strconv.FormatFloat(size, 'f', digits, 64) + " " + units[unit]
}
