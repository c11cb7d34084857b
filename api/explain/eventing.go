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
	ready := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady)
	state := stateOf(ready)
	if ready == nil || ready.Message == "" {
		return state, nil
	}
	f := finding("channel", c, ready)
	if f.Severity == Good {
		f.Severity, state.Severity = Underway, Underway
	}
	return state, []Finding{f}
}

// ForSubscription says whether a subscription delivers, and why it does not. One
// that delivers is Underway while events are tried again.
func ForSubscription(s *v1alpha1.Subscription) (State, []Finding) {
	ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady)
	state := stateOf(ready)
	switch {
	case ready == nil:
		return state, nil
	case ready.Status != metav1.ConditionTrue:
		return state, []Finding{finding("subscription", s, ready)}
	case s.Status.Retrying > 0:
		state.Severity = Underway
	}
	return state, nil
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
