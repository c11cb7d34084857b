package condition

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSetKeepsWhatDidNotChange(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	var list []metav1.Condition
	for _, step := range []struct {
		name  string
		state State
		at    time.Duration
		since time.Duration
	}{
		{"first", Unknown("Starting", "a"), 0, 0},
		{"same", Unknown("Starting", "a"), 5 * time.Second, 0},
		{"other message", Unknown("Starting", "b"), 6 * time.Second, 0},
		{"other reason", Unknown("Waiting", "b"), 7 * time.Second, 0},
		{"other status", True("Running", ""), 8 * time.Second, 8 * time.Second},
	} {
		Set(&list, "Ready", step.state, 1, start.Add(step.at))
		if got := Get(list, "Ready"); got != step.state {
			t.Errorf("%s: got %+v, want %+v", step.name, got, step.state)
		}
		want := start.Add(step.since).Truncate(time.Second)
		if got := list[0].LastTransitionTime; !got.Time.Equal(want) {
			t.Errorf("%s: since %v, want %v", step.name, got, want)
		}
	}
}

func TestSetBoundsTheMessage(t *testing.T) {
	var list []metav1.Condition
	Set(&list, "Ready", False("StartFailed", strings.Repeat("x", 2*maxMessage)), 1, time.Unix(0, 0))
	if got := len(list[0].Message); got != maxMessage {
		t.Errorf("message has %d bytes, want %d", got, maxMessage)
	}
}

// TestShorten: what a message is about stands at its begin, the cause often at
// its end.
func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		message string
		longest int
		want    string
	}{
		{"short", 10, "short"},
		{"reading the file of which the name is long: no space", 30, "reading the fil … : no space"},
		{strings.Repeat("é", 20), 20, strings.Repeat("é", 4) + " … " + strings.Repeat("é", 3)},
	} {
		if got := Shorten(tc.message, tc.longest); got != tc.want || len(got) > tc.longest {
			t.Errorf("Shorten(%q, %d) = %q, want %q", tc.message, tc.longest, got, tc.want)
		}
	}
}
