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
		{"nothing to say", content{"a": "name: a\nsends: [x]\nchannels: [{name: x}, {name: dead}]\nevents:\n- {from: x, to: /" + quiet + "}\n- {from: dead, to: /dead}\n"}, "", ""},
		{"no channel", content{"a": "name: a\nchannels: [{name: orders}, {name: dead}]\nevents:\n- {from: order, to: {channel: big}, reply: answers" + quiet + "}\n"}, "", `
a/headway.yaml:4:10: events[0].from: this repository has no channel "order", did you mean "orders"? Otherwise another one of the namespace must have it
a/headway.yaml:4:31: events[0].to.channel: this repository has no channel "big"; another one of the namespace must have it
a/headway.yaml:4:44: events[0].reply: this repository has no channel "answers"; another one of the namespace must have it
`},
		{"in another repository", content{"a": "name: a\nevents:\n- {from: orders, to: /, deadLetter: dead}\n"}, "orders", `
a/headway.yaml:3:37: events[0].deadLetter: neither this repository nor another one of the namespace has the channel "dead"
`},
		{"in another file", content{"a": "name: a\nevents:\n- {from: x, to: /" + quiet + "}\n", "b": "name: b\nsends: [x]\nchannels: [{name: x}, {name: dead}]\n"}, "", ""},
		{"in a broken file", content{"a": "name: a\nevents:\n- {from: x, to: /, deadLetter: x}\n", "b": "name: b\nprot: 1\nchannels: [{name: x}]\n"}, "-", `
a/headway.yaml:3:10: events[0].from: neither this repository nor another one of the namespace has the channel "x"
a/headway.yaml:3:32: events[0].deadLetter: neither this repository nor another one of the namespace has the channel "x"
a/headway.yaml:3:32: events[0].deadLetter: events that pass the filters go in a loop: x -(a-x deadLetter)-> x
`},
		{"no dead letter", content{"a": "name: a\nchannels: [{name: x}]\nevents:\n- {from: x, to: /, retry: {for: 2h}}\n"}, "", `
a/headway.yaml:4:3: events[0].deadLetter: events that still fail after retry.for (2h) are dropped; name a channel that gets them
a/headway.yaml:4:10: events[0].from: nobody is known to send to the channel "x": no source and no subscription does, no app has it in sends, and it is not open to the outside
`},
		{"only sources send", content{"a": "name: a\nchannels: [{name: x}, {name: dead}]\nevents:\n- {name: tick, cron: 0 3 * * *, to: {channel: x}}\n" +
			"- {name: a, from: x, filter: {type: dev.headway.cron.fired}, to: /" + quiet + "}\n- {name: b, from: x, filter: {any: [{type: a}, {all: [{type: b}]}]}, to: /" + quiet + "}\n" +
			"- {name: c, from: x, filter: {any: [{type: a}, {subject: b}]}, to: /" + quiet + "}\n- {from: dead, to: /}\n"}, "", `
a/headway.yaml:6:30: events[2].filter: nobody sends events of the type a or b to the channel "x", which only has a-tick
`},
		{"further ways in", content{"a": "name: a\nchannels: [{name: x, access: {outside: {hmac: secret://a/b}}}, {name: y, access: {senders: [b/c]}}, {name: z}, {name: dead}]\n" +
			"sources: [{name: push, github: {secret: secret://a/b}, to: {channel: z}}, {name: b, kubernetes: {}, to: {channel: q}}]\nsends: [p, other/x]\nevents:\n" +
			"- {from: x, filter: {type: a}, to: /" + quiet + "}\n- {from: y, filter: {type: a}, to: /" + quiet + "}\n" +
			"- {from: z, filter: {type: com.github.push}, to: /" + quiet + "}\n- {name: p, from: z, filter: {type: com.gitlab.push}, to: /" + quiet + "}\n- {from: dead, to: /}\n"}, "", `
a/headway.yaml:3:115: sources[1].to.channel: this repository has no channel "q", did you mean "x"? Otherwise another one of the namespace must have it
a/headway.yaml:4:8: sends: this repository has no channel "p", did you mean "x"? Otherwise another one of the namespace must have it
a/headway.yaml:9:30: events[3].filter: nobody sends events of the type com.gitlab.push to the channel "z", which only has push
`},
		{"a source's own way", content{"a": "name: a\nsources: [{name: push, github: {secret: secret://a/b}, to: /push}]\n"}, "", `
a/headway.yaml:2:11: sources[0].deadLetter: events that still fail after retry.for (24h) are dropped; name a channel that gets them
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

// TestTopology: what is drawn is the same however the files are ordered.
func TestTopology(t *testing.T) {
	s := commitOf(t, "a1", content{
		"shop": "name: shop\nsends: [orders, other/x]\nchannels: [{name: orders, access: {outside: {hmac: secret://a/b, subjectAltNames: [till.example.com]}}}, {name: dead}, {name: answers}]\nevents:\n" +
			"- {name: mail, from: orders, filter: {type: order.created, prefix: {source: /shop}, suffix: {subject: x}, not: {region: eu}, all: [{cesql: a > 1}, {b: c}], any: [{b: c}, {d: e}]}, to: /mail, reply: answers, deadLetter: dead}\n" +
			"- {name: hook, from: answers, to: {url: \"https://example.com/x\"}}\n- {name: copy, from: elsewhere, to: {channel: orders}}\n- {name: report, cron: 0 3 * * * Europe/Berlin, to: /report}\n",
		"events": "channels: [{name: pods}]\nsources:\n- {name: pods, kubernetes: {kinds: [Pod]}, to: {channel: pods}}\n",
	})
	const want = `answers
  <- answers of shop-mail
  -> https://example.com/x (shop-hook)
dead
  <- dead letters of shop-mail
elsewhere
  -> channel orders (shop-copy)
orders
  <- outside, with a client certificate
  <- outside, signed
  <- events of shop-copy
  <- app shop
  -> [type=order.created and source=/shop* and subject=*x and (a > 1 and b=c) and (b=c or d=e) and not (region=eu)] -> app shop /mail (shop-mail), answers -> answers, dead letters -> dead
pods
  <- kubernetes Pod (pods)
shop-report
  <- cron 0 3 * * * Europe/Berlin (shop-report)
  -> app shop /report (shop-report)
`
	if diff := cmp.Diff(want, s.Topology()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
