package event

import (
	"strings"
	"testing"
)

const traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestValidTraceParent(t *testing.T) {
	for value, want := range map[string]bool{
		traced:                               true,
		"":                                   false,
		traced + "-01":                       false,
		strings.ToUpper(traced):              false,
		"01" + traced[2:]:                    false,
		traced[:54] + "g":                    false,
		strings.Replace(traced, "-", "_", 1): false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01": false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01": false,
	} {
		if got := ValidTraceParent(value); got != want {
			t.Errorf("%q: %t", value, got)
		}
	}
}

func TestTrace(t *testing.T) {
	for _, tc := range []struct {
		name                  string
		has, state            string
		header, headerState   string
		wantParent, wantState string // of the event
		sentParent, sentState string // with its delivery
	}{
		{"nothing", "", "", "", "", "", "", "", ""},
		{"of the request", "", "", traced, "a=1", traced, "a=1", traced, "a=1"},
		{"of the event", traced, "b=2", "00-11111111111111111111111111111111-b7ad6b7169203331-01", "a=1", traced, "b=2", traced, "b=2"},
		{"of the event, malformed", "?", "", traced, "", "?", "", "", ""},
		{"of the request, malformed", "", "", "?", "a=1", "", "", "", ""},
		{"a state that is no header", traced, "é\n", "", "", traced, "é\n", traced, ""},
		{"a state that is too long", "", "", traced, strings.Repeat("a", 513), traced, "", traced, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := &Event{ID: "1", Source: "/s", Type: "a"}
			if tc.has != "" {
				e.Set(AttrTraceParent, tc.has)
			}
			if tc.state != "" {
				e.Set(AttrTraceState, tc.state)
			}
			e.JoinTrace(tc.header, tc.headerState)
			parent, _ := e.Get(AttrTraceParent)
			state, _ := e.Get(AttrTraceState)
			if parent != tc.wantParent || state != tc.wantState {
				t.Errorf("the event has %q, %q", parent, state)
			}
			if parent, state := e.Trace(); parent != tc.sentParent || state != tc.sentState {
				t.Errorf("it is delivered with %q, %q", parent, state)
			}
		})
	}
}
