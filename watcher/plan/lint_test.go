package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLint(t *testing.T) {
	const quiet = ", deadLetter: dead"
	tests := []struct {
		name  string
		specs content
		// elsewhere are the channels of the namespace; empty: not asked.
		elsewhere string
		want      string
	}{
		{"nothing to say", content{"a": "name: a\nchannels: [{name: x}, {name: dead}]\nevents:\n- {from: x, to: /" + quiet + "}\n- {from: dead, to: /dead}\n"}, "", ""},
		{"no channel", content{"a": "name: a\nchannels: [{name: orders}, {name: dead}]\nevents:\n- {from: order, to: {channel: big}, reply: answers" + quiet + "}\n"}, "", `
a/headway.yaml:4:10: events[0].from: this repository has no channel "order", did you mean "orders"? Otherwise another one of the namespace must have it
a/headway.yaml:4:31: events[0].to.channel: this repository has no channel "big"; another one of the namespace must have it
a/headway.yaml:4:44: events[0].reply: this repository has no channel "answers"; another one of the namespace must have it
`},
		{"in another repository", content{"a": "name: a\nevents:\n- {from: orders, to: /, deadLetter: dead}\n"}, "orders", `
a/headway.yaml:3:37: events[0].deadLetter: neither this repository nor another one of the namespace has the channel "dead"
`},
		{"in another file", content{"a": "name: a\nevents:\n- {from: x, to: /" + quiet + "}\n", "b": "name: b\nchannels: [{name: x}, {name: dead}]\n"}, "", ""},
		{"in a broken file", content{"a": "name: a\nevents:\n- {from: x, to: /, deadLetter: x}\n", "b": "name: b\nprot: 1\nchannels: [{name: x}]\n"}, "-", `
a/headway.yaml:3:10: events[0].from: neither this repository nor another one of the namespace has the channel "x"
a/headway.yaml:3:32: events[0].deadLetter: neither this repository nor another one of the namespace has the channel "x"
a/headway.yaml:3:32: events[0].deadLetter: events that pass the filters go in a loop: x -(a-x deadLetter)-> x
`},
		{"no dead letter", content{"a": "name: a\nchannels: [{name: x}]\nevents:\n- {from: x, to: /, retry: {for: 2h}}\n"}, "", `
a/headway.yaml:4:3: events[0].deadLetter: events that still fail after retry.for (2h) are dropped; name a channel that gets them
`},
		{"a loop over two files", content{
			"a": "name: a\nchannels: [{name: x}, {name: y}, {name: z}, {name: dead}]\nevents:\n- {from: x, to: {channel: y}" + quiet + "}\n- {name: side, from: x, to: {channel: z}" + quiet + "}\n",
			"b": "name: b\nevents:\n- {from: y, to: /, reply: x" + quiet + "}\n- {from: dead, to: {channel: x}}\n"}, "", `
a/headway.yaml:4:27: events[0].to.channel: events that pass the filters go in a loop: x -(a-x to.channel)-> y -(b-y reply)-> x
a/headway.yaml:4:43: events[0].deadLetter: events that pass the filters go in a loop: x -(a-x deadLetter)-> dead -(b-dead to.channel)-> x
b/headway.yaml:3:42: events[0].deadLetter: events that pass the filters go in a loop: y -(b-y deadLetter)-> dead -(b-dead to.channel)-> x -(a-x to.channel)-> y
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var elsewhere func(string) bool
			if tt.elsewhere != "" {
				elsewhere = func(channel string) bool { return channel == tt.elsewhere }
			}
			var b strings.Builder
			for _, p := range commitOf(t, "a1", tt.specs).Lint(elsewhere) {
				b.WriteString(p.String() + "\n")
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), b.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
