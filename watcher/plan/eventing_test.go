package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/tree"
)

// ownedBy is an object of that name which belongs to another.
func ownedBy(kind, owner, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{
		*metav1.NewControllerRef(&metav1.ObjectMeta{Name: owner}, v1alpha1.GroupVersion.WithKind(kind))}}
}

// carriedOut are the channels, sources and subscriptions once a plan is carried out.
func carriedOut(e Eventing, p Plan) Eventing {
	channels, sources, subscriptions := map[string]*v1alpha1.Channel{}, map[string]*v1alpha1.Source{}, map[string]*v1alpha1.Subscription{}
	maps.Copy(channels, e.Channels)
	maps.Copy(sources, e.Sources)
	maps.Copy(subscriptions, e.Subscriptions)
	put := func(kind, owner string, c []Channel, s []Source, u []Subscription) {
		for _, x := range c {
			channels[x.Name] = &v1alpha1.Channel{ObjectMeta: ownedBy(kind, owner, x.Name), Spec: x.Spec}
		}
		for _, x := range s {
			sources[x.Name] = &v1alpha1.Source{ObjectMeta: ownedBy(kind, owner, x.Name), Spec: x.Spec}
		}
		for _, x := range u {
			subscriptions[x.Name] = &v1alpha1.Subscription{ObjectMeta: ownedBy(kind, owner, x.Name), Spec: x.Spec}
		}
	}
	put("Repository", "repo", p.Channels, p.Sources, nil)
	for _, a := range append(p.Apps, p.Previews...) {
		put("App", a.Name, a.Channels, a.Sources, a.Subscriptions)
	}
	for _, name := range p.RemoveChannels {
		delete(channels, name)
	}
	for _, name := range p.RemoveSources {
		delete(sources, name)
	}
	for _, name := range p.RemoveSubscriptions {
		delete(subscriptions, name)
	}
	e.Channels, e.Sources, e.Subscriptions = channels, sources, subscriptions
	return e
}

// outline has the channels, sources and subscriptions of a plan, what goes, and why
// files are refused.
func outline(p Plan) string {
	var b strings.Builder
	write := func(of string, c []Channel, s []Source, u []Subscription) {
		for _, x := range c {
			fmt.Fprintf(&b, "channel %s%s %s\n", x.Name, of, x.Spec.Keep.Duration)
		}
		for _, x := range s {
			fmt.Fprintf(&b, "source %s%s: %s -> %s\n", x.Name, of, SourceText(x.Spec), x.Spec.Channel)
		}
		for _, x := range u {
			fmt.Fprintf(&b, "subscription %s%s: %s -> %s%s%s", x.Name, of, x.Spec.Channel, x.Spec.To.App, x.Spec.To.Path, x.Spec.To.Channel)
			if x.Spec.Continues != "" {
				fmt.Fprintf(&b, ", continues %s", x.Spec.Continues)
			}
			b.WriteString("\n")
		}
	}
	write("", p.Channels, p.Sources, nil)
	for _, a := range append(p.Apps, p.Previews...) {
		if a.Broken {
			fmt.Fprintf(&b, "app %s stays as it is\n", a.Name)
		}
		write(" of "+a.Name, a.Channels, a.Sources, a.Subscriptions)
	}
	for _, gone := range []struct {
		kind  string
		names []string
	}{{"channel", p.RemoveChannels}, {"source", p.RemoveSources}, {"subscription", p.RemoveSubscriptions}} {
		for _, name := range gone.names {
			fmt.Fprintf(&b, "%s %s goes\n", gone.kind, name)
		}
	}
	for _, why := range p.Problems {
		fmt.Fprintf(&b, "%s %s\n", why.Reason, why.Message)
	}
	return b.String()
}

const (
	orders = "name: shop\nchannels: [{name: orders}]\nevents: [{from: orders, to: /events}, {name: big, from: orders, to: {channel: big}}]\n"
	mailer = "name: mailer\nevents: [{from: orders, to: /}]\n"
	// nightly has all ways from a source to an app or a channel.
	nightly = "name: shop\nsources:\n- {name: push, github: {secret: secret://a/b}, to: /push}\n- {name: pods, kubernetes: {}, to: {channel: orders}}\nevents:\n- {name: report, cron: 0 3 * * *, to: /report}\n- {name: tick, cron: 0 4 * * *, to: {channel: orders}}\n"
	// shared is a headway.events.yaml.
	shared1 = "channels: [{name: orders}]\nsources:\n- {name: pods, kubernetes: {}, to: {channel: orders}}\n"
)

const sourcesMade = `
source pods: kubernetes -> orders
channel shop-push of shop 24h0m0s
channel shop-report of shop 24h0m0s
source shop-push of shop: github -> shop-push
source shop-report of shop: cron 0 3 * * * -> shop-report
source shop-tick of shop: cron 0 4 * * * -> orders
subscription shop-push of shop: shop-push -> shop/push
subscription shop-report of shop: shop-report -> shop/report
`

// TestPlanEventing: each case is a history of commits with an app in each folder;
// what is wanted follows from the last one.
func TestPlanEventing(t *testing.T) {
	tests := []struct {
		name    string
		commits []content
		there   Eventing
		want    string
	}{
		{"made", []content{{"shop": orders, "mailer": mailer}}, Eventing{}, `
channel orders 168h0m0s
subscription mailer-orders of mailer: orders -> mailer/
subscription shop-orders of shop: orders -> shop/events
subscription shop-big of shop: orders -> big
`},
		{"changed and removed", []content{{"shop": orders}, {"shop": "name: shop\nchannels: [{name: orders, keep: 1h}, {name: more}]\nevents: [{from: orders, to: /other}]\n"}}, Eventing{}, `
channel more 168h0m0s
channel orders 1h0m0s
subscription shop-orders of shop: orders -> shop/other
subscription shop-big goes
`},
		{"no file any more", []content{{"shop": orders, "mailer": mailer}, {"mailer": mailer}}, Eventing{}, `
subscription mailer-orders of mailer: orders -> mailer/
channel orders goes
subscription shop-big goes
subscription shop-orders goes
`},
		{"the file is broken", []content{{"shop": orders, "mailer": mailer}, {"shop": "name: shop\nprot: 1\nchannels: [{name: orders}]\n", "mailer": "name: mailer\n"}}, Eventing{}, `
app shop stays as it is
subscription mailer-orders goes
InvalidSpec shop/headway.yaml:2:1: unknown key "prot", did you mean "port"? Valid keys here: args, build, channels, command, env, events, health, hold, hosts, ignore, image, name, path, pin, port, preview, release, resources, scale, sends, sources, sticky, timeout, watch
`},
		{"a file that is broken does not say it any more", []content{{"shop": orders}, {"shop": "name: shop\nport: x\n"}}, Eventing{}, `
app shop stays as it is
channel orders goes
InvalidSpec shop/headway.yaml:2:7: port: expected an integer from 1 to 65535, such as 8080, but found the text "x"
`},
		{"it may have moved to a file that is no YAML", []content{{"shop": orders, "mailer": mailer}, {"shop": "name: shop\n", "mailer": "name: mailer\nchannels: [}\n"}}, Eventing{}, `
app mailer stays as it is
subscription shop-big goes
subscription shop-orders goes
InvalidSpec mailer/headway.yaml:2:1: not valid YAML: did not find expected node content
`},
		{"a model of a file says nothing", []content{{"shop": orders}, {"shop": "name: shop\n", "{{x}}": "name: {{ x }}\nchannels: [{name: orders}]\n"}}, Eventing{}, `
channel orders goes
subscription shop-big goes
subscription shop-orders goes
`},
		{"nothing builds it", []content{{"shop": orders}, {"shop": orders + "build: {with: go}\n"}}, Eventing{}, `
app shop stays as it is
InvalidSpec shop/headway.yaml:4:8: build: found no main package with a func main in folder "shop"; set path to the folder that has the program, or name the package, such as build: {with: go, args: {main: ./server}}
`},
		{"moved to another file", []content{{"shop": orders, "mailer": mailer}, {"shop": "name: shop\n", "mailer": mailer + "channels: [{name: orders}]\n"}}, Eventing{}, `
channel orders 168h0m0s
subscription mailer-orders of mailer: orders -> mailer/
subscription shop-big goes
subscription shop-orders goes
`},
		{"a channel twice", []content{{"shop": orders, "mailer": mailer}, {"shop": orders, "mailer": mailer + "channels: [{name: orders}]\n"}}, Eventing{}, `
app mailer stays as it is
app shop stays as it is
NameConflict mailer/headway.yaml:3:19: channels[0].name: shop/headway.yaml has the Channel "orders", too; each is in one file
NameConflict shop/headway.yaml:2:19: channels[0].name: mailer/headway.yaml has the Channel "orders", too; each is in one file
`},
		{"a subscription twice", []content{{"shop": "name: shop\nevents: [{name: a-b, from: orders, to: /}]", "shop-a": "name: shop-a\nevents: [{name: b, from: orders, to: /}]"}}, Eventing{}, `
NameConflict shop-a/headway.yaml:2:17: events[0].name: shop/headway.yaml has the Subscription "shop-a-b", too; each is in one file
NameConflict shop/headway.yaml:2:17: events[0].name: shop-a/headway.yaml has the Subscription "shop-a-b", too; each is in one file
`},
		{"names of others", []content{{"shop": orders}},
			Eventing{ForeignChannels: map[string]string{"orders": `belongs to Repository "other"`}, ForeignSubscriptions: map[string]string{"shop-orders": "was not made from git"}}, `
NameConflict shop/headway.yaml:2:19: channels[0].name: the Channel "orders" of this namespace belongs to Repository "other"; choose another name
shop/headway.yaml:3:10: events[0].name: the Subscription "shop-orders" of this namespace was not made from git; choose another name
`},
		{"the name of another app's", []content{{"shop": "name: shop\nevents: [{name: a-b, from: orders, to: /}]"}, {"shop": "name: shop\nport: x\n", "shop-a": "name: shop-a\nevents: [{name: b, from: orders, to: /}]"}}, Eventing{}, `
app shop stays as it is
NameConflict shop-a/headway.yaml:2:17: events[0].name: the Subscription "shop-a-b" of this namespace belongs to App "shop"; choose another name
InvalidSpec shop/headway.yaml:2:7: port: expected an integer from 1 to 65535, such as 8080, but found the text "x"
`},
		{"sources", []content{{"shop": nightly}}, Eventing{}, sourcesMade},
		{"sources go", []content{{"shop": nightly}, {"shop": "name: shop\n"}}, Eventing{}, `
channel shop-push goes
channel shop-report goes
source pods goes
source shop-push goes
source shop-report goes
source shop-tick goes
subscription shop-push goes
subscription shop-report goes
`},
		{"sources of a broken file stay", []content{{"shop": nightly}, {"shop": "name: shop\nprot: 1\nsources: [{name: pods}]\n"}}, Eventing{}, `
app shop stays as it is
InvalidSpec shop/headway.yaml:2:1: unknown key "prot", did you mean "port"? Valid keys here: args, build, channels, command, env, events, health, hold, hosts, ignore, image, name, path, pin, port, preview, release, resources, scale, sends, sources, sticky, timeout, watch
shop/headway.yaml:3:11: sources[0].to: missing; expected a path of this app that begins with /, such as /events, or a mapping, such as {channel: orders}
shop/headway.yaml:3:11: sources[0]: says no kind; write one of cron, github, gitlab, gitea, sqs, pubsub, kafka, kubernetes, container
`},
		{"a file without an app", []content{{"events": shared1, "mailer": mailer}}, Eventing{}, `
channel orders 168h0m0s
source pods: kubernetes -> orders
subscription mailer-orders of mailer: orders -> mailer/
`},
		{"a file without an app goes", []content{{"events": shared1, "mailer": mailer}, {"mailer": mailer}}, Eventing{}, `
subscription mailer-orders of mailer: orders -> mailer/
channel orders goes
source pods goes
`},
		{"a file without an app breaks", []content{{"events": shared1}, {"events": "channels: [{name: orders}]\nsources: [{name: pods, kubernetes: 1, to: {channel: orders}}]\n"}}, Eventing{}, `
InvalidSpec events/headway.events.yaml:2:36: sources[0].kubernetes: expected a mapping, such as {types: [Warning], kinds: [Pod]}, but found the number 1
`},
		{"moved between both kinds of files", []content{{"events": shared1}, {"shop": "name: shop\n" + shared1}}, Eventing{}, `
channel orders 168h0m0s
source pods: kubernetes -> orders
`},
		{"a source in both kinds of files", []content{{"events": shared1, "shop": "name: shop\nsources: [{name: pods, kubernetes: {}, to: {channel: orders}}]\n"}}, Eventing{}, `
NameConflict shop/headway.yaml:2:18: sources[0].name: events/headway.events.yaml has the Source "pods", too; each is in one file
NameConflict events/headway.events.yaml:3:10: sources[0].name: shop/headway.yaml has the Source "pods", too; each is in one file
`},
		{"sources with names of others", []content{{"shop": nightly, "events": "sources: [{name: x, kubernetes: {}, to: {channel: orders}}]\n"}},
			Eventing{ForeignSources: map[string]string{"pods": "was not made from git", "x": "was not made from git"}, ForeignChannels: map[string]string{"shop-report": `belongs to Repository "other"`}}, `
NameConflict shop/headway.yaml:4:10: sources[1].name: the Source "pods" of this namespace was not made from git; choose another name
shop/headway.yaml:6:10: events[0].name: the Channel "shop-report" of this namespace belongs to Repository "other"; choose another name
NameConflict events/headway.events.yaml:1:18: sources[0].name: the Source "x" of this namespace was not made from git; choose another name
`},
		{"a model of a file without an app", []content{{"{{x}}": shared1}}, Eventing{}, "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := Facts{Repository: "repo", ProductionRef: main, Eventing: tt.there}
			var p Plan
			for i, apps := range tt.commits {
				f.Production = commitOf(t, fmt.Sprintf("a%d", i), apps)
				p = Make(f)
				f = nextLook(f, p)
				f.Eventing = carriedOut(f.Eventing, p)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), outline(p)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// commitOf reads a commit with a static app in each folder; those whose file has no
// name have a headway.events.yaml instead.
func commitOf(t *testing.T, name string, apps content) *Snapshot {
	t.Helper()
	files := content{}
	for folder, spec := range apps {
		files[folder+"/headway.yaml"], files[folder+"/index.html"] = spec, "<p>"+name
		if !strings.HasPrefix(spec, "name:") {
			delete(files, folder+"/headway.yaml")
			files[folder+"/headway.events.yaml"] = spec
		}
	}
	c := files.commit()
	c.Hash = hash(name)
	s, err := readSnapshot(c, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestEventingOfWhatIsNotRead: what cannot be told stays.
func TestEventingOfWhatIsNotRead(t *testing.T) {
	f := Facts{Repository: "repo", ProductionRef: main, Production: commitOf(t, "a1", content{"shop": orders})}
	p := Make(f)
	f = nextLook(f, p)
	f.Eventing = carriedOut(f.Eventing, p)
	link := content{"shop/headway.yaml": "elsewhere"}.commit()
	link.Files[0].Mode = tree.Symlink
	linked, err := readSnapshot(link, content{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := f
	for name, s := range map[string]*Snapshot{
		"unsigned": f.Unsigned(hash("b2"), NewProblem(v1alpha1.ReasonUnsigned, "it is not signed")),
		"a link":   linked,
		"refused":  refused.Refuse(Revision{Snapshot: f.Production, From: f.Production.App("shop")}, NewProblem(v1alpha1.ReasonTooLarge, "it is too large")),
	} {
		f.Production = s
		if p := Make(f); len(p.Channels)+len(p.RemoveChannels)+len(p.RemoveSubscriptions) > 0 || !p.Apps[0].Broken {
			t.Errorf("%s: %s", name, outline(p))
		}
	}
}

// An app with previews, and what a request says of it.
const (
	previewed = "name: shop\npreview: {public: true}\nsends: [orders]\nchannels: [{name: orders, maxEvent: 2Mi, access: {token: true, senders: [a/b], outside: {hmac: secret://a/b}}}, {name: secret}]\n" +
		"events: [{from: orders, to: /events, deadLetter: dead}, {name: big, from: orders, to: {channel: big}}]\n"
	requested = "name: shop\nenv: {ORDERS: channel://orders}\nsends: [orders, other/x]\nchannels: [{name: orders}, {name: mine}]\n" +
		"sources: [{name: push, github: {secret: secret://a/b}, to: /push}]\n" +
		"events:\n- {from: orders, to: /events, deadLetter: dead, redrive: {name: x}, replay: {name: y, from: earliest}}\n- {name: s, from: secret, to: /s, reply: answers}\n" +
		"- {name: hook, from: orders, to: {url: \"https://example.com\"}}\n- {name: report, cron: 0 3 * * *, to: /report}\n- {name: tick, cron: 0 3 * * *, to: {channel: orders}}\n"
)

// TestEventsOfPreviews: a preview has its own branches of all channels that its
// request names; from production's it gets copies, where production's file says so
// and has a subscription itself. It has no sources.
func TestEventsOfPreviews(t *testing.T) {
	const own = `
channel answers-pr-7 of shop-pr-7 24h0m0s
channel dead-pr-7 of shop-pr-7 24h0m0s
channel orders-pr-7 of shop-pr-7 24h0m0s
channel secret-pr-7 of shop-pr-7 24h0m0s
subscription shop-pr-7-orders of shop-pr-7: orders-pr-7 -> shop-pr-7/events
subscription shop-pr-7-s of shop-pr-7: secret-pr-7 -> shop-pr-7/s
`
	tests := []struct {
		name, production, request string
		there                     Eventing
		number                    int64
		ref                       string
		want                      string
	}{
		{"own", previewed, requested, Eventing{}, 7, "feat", own},
		{"the request asks for copies", previewed, strings.Replace(requested, "sends:", "preview: {events: mirror}\nsends:", 1), Eventing{}, 7, "feat", own},
		{"copies", strings.Replace(previewed, "public: true", "public: true, events: mirror", 1), requested, Eventing{}, 7, "feat", own +
			"subscription shop-pr-7-mirror-orders of shop-pr-7: orders -> orders-pr-7\n"},
		{"a branch", strings.Replace(previewed, "public: true", "public: true, branches: [\"**\"]", 1), "name: shop\nevents: [{from: orders, to: /}]\n", Eventing{}, 0, "feat/Login", `
channel orders-br-feat-login-078d09 of shop-br-feat-login 24h0m0s
subscription shop-br-feat-login-orders of shop-br-feat-login: orders-br-feat-login-078d09 -> shop-br-feat-login/
`},
		{"a name of somebody else", previewed, "name: shop\nevents: [{from: orders, to: /}]\n", Eventing{ForeignChannels: map[string]string{"orders-pr-7": "was not made from git"}}, 7, "feat", `
channel orders-pr-7-e3b0c4 of shop-pr-7 24h0m0s
subscription shop-pr-7-orders of shop-pr-7: orders-pr-7-e3b0c4 -> shop-pr-7/
`},
		{"a name of production", strings.Replace(previewed, "{name: secret}", "{name: orders-pr-7}", 1), "name: shop\nevents: [{from: orders, to: /}]\n", Eventing{}, 7, "feat", `
channel orders-pr-7-e3b0c4 of shop-pr-7 24h0m0s
subscription shop-pr-7-orders of shop-pr-7: orders-pr-7-e3b0c4 -> shop-pr-7/
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := Facts{Repository: "repo", ProductionRef: main, Now: noon, Eventing: tt.there, Production: commitOf(t, "a1", content{"shop": tt.production})}
			p := Make(f)
			f = nextLook(f, p)
			f.Eventing = carriedOut(f.Eventing, p)
			r := &Request{Head: commitOf(t, "b2", content{"shop": tt.request})}
			r.Number, r.Ref, r.Commit, r.Pushed = tt.number, "refs/heads/"+tt.ref, hash("b2"), metav1.NewTime(noon)
			f.Requests = []*Request{r}
			p = Make(f)
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), outline(Plan{Previews: p.Previews})); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
			for _, c := range p.Previews[0].Channels {
				if a := c.Spec.Access; strings.HasPrefix(c.Name, "orders-") && (a == nil || !a.Token || a.Outside != nil || a.Senders != nil || c.Spec.MaxEvent != 2<<20 || c.Spec.Size.String() != "64Mi") {
					t.Errorf("%s is %+v", c.Name, c.Spec)
				}
			}
			for _, s := range p.Previews[0].Subscriptions {
				if s.Spec.Redrive != nil || s.Spec.Replay != nil || strings.Contains(s.Name, "mirror") && s.Spec.DeadLetter != "" || s.Spec.From != v1alpha1.FromNow {
					t.Errorf("%s is %+v", s.Name, s.Spec)
				}
			}
			if tt.request == requested && p.Previews[0].Revisions[0].Preview.ChannelSuffix != "-pr-7" {
				t.Errorf("the revision is for %+v", p.Previews[0].Revisions[0].Preview)
			}
			// It goes with the request, and all that it has.
			f = nextLook(f, p)
			f.Eventing, f.Requests = carriedOut(f.Eventing, p), nil
			before := p
			p = Make(f)
			var goes, has []string
			for _, c := range before.Previews[0].Channels {
				has = append(has, c.Name)
			}
			for _, s := range before.Previews[0].Subscriptions {
				has = append(has, s.Name)
			}
			goes = append(append(goes, p.RemoveChannels...), p.RemoveSubscriptions...)
			slices.Sort(has)
			slices.Sort(goes)
			if diff := cmp.Diff(has, goes); diff != "" {
				t.Errorf("what goes (-want +got)\n%s", diff)
			}
		})
	}
}
