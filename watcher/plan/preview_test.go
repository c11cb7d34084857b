package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// read is a commit with headway.yaml files, each written as "key name: shop ...":
// what the app is built from, and the file, in the folder of the app's name.
func read(t *testing.T, commit string, files ...string) *Snapshot {
	t.Helper()
	s := &Snapshot{Commit: hash(commit), Subject: "subject of " + commit}
	for _, f := range files {
		key, text, _ := strings.Cut(f, " ")
		name := regexp.MustCompile(`name: (\S+)`).FindStringSubmatch(text)[1]
		c := Candidate{File: name + "/headway.yaml"}
		spec, err := specfile.Parse(c.File, []byte(text))
		var at specfile.Problems
		if errors.As(err, &at) {
			c.claims = specfile.ClaimedName([]byte(text))
			c.refuse(v1alpha1.ReasonInvalidSpec, at...)
		} else {
			c.Name, c.Spec, c.App, c.key = spec.Name, spec, &detect.App{}, key
			if spec.Image == "" {
				if spec.Build.With == specfile.TemplateAuto {
					spec.Build.With = "go"
				}
				c.App.Build = &v1alpha1.Build{Template: spec.Build.With}
			}
			c.specHash = frozenHash(spec, c.App)
		}
		s.Apps = append(s.Apps, c)
	}
	return s
}

// open is a request as "12 feat b2" has it, with further words: fork, draft,
// old (pushed 80 hours before), approved:b2, unread.
func open(t *testing.T, line string, head *Snapshot) *Request {
	t.Helper()
	words := strings.Fields(line)
	r := &Request{Head: head}
	if _, err := fmt.Sscan(words[0], &r.Number); err != nil {
		t.Fatal(err)
	}
	r.Ref, r.Commit, r.Pushed = "refs/heads/"+words[1], hash(words[2]), metav1.NewTime(noon)
	for _, w := range words[3:] {
		switch is, commit, _ := strings.Cut(w, ":"); is {
		case "fork":
			r.Fork, r.Ref = true, fmt.Sprintf("refs/pull/%d/head", r.Number)
		case "draft":
			r.Draft = true
		case "old":
			r.Pushed = metav1.NewTime(noon.Add(-80 * time.Hour))
		case "approved":
			r.Approved, r.ApprovedBy = hash(commit), "ada"
		case "unread":
			r.Head, r.Unread = nil, NewProblem(v1alpha1.ReasonTooLarge, "it is too large")
		default:
			t.Fatalf("what is %q?", w)
		}
	}
	return r
}

// nextLook is the next look at the same repository: what a plan asks for is there.
func nextLook(f Facts, p Plan) Facts {
	f.Apps, f.Previews = map[string]*v1alpha1.App{}, map[string]*v1alpha1.App{}
	f.Revisions = slices.Clone(f.Revisions)
	made := func(into map[string]*v1alpha1.App, a App) {
		into[a.Name] = &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: a.Name}, Spec: a.Spec}
		for _, n := range a.Revisions {
			f.Revisions = append(f.Revisions, &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: n.Name},
				Spec: v1alpha1.RevisionSpec{App: a.Name, Commit: n.Snapshot.Commit, Source: n.Source(), Preview: n.Preview, Runtime: n.From.Spec.Runtime}})
		}
	}
	for _, a := range p.Apps {
		made(f.Apps, a)
	}
	for _, a := range p.Previews {
		made(f.Previews, a)
	}
	return f
}

// tell writes what has become of the requests in a few lines.
func tell(p Plan) string {
	var b strings.Builder
	for _, r := range p.Requests {
		fmt.Fprintf(&b, "%d %s %s", r.Number, r.State, strings.Join(r.Previews, ","))
		if r.Message != "" {
			fmt.Fprintf(&b, " (%s)", r.Message)
		}
		b.WriteString("\n")
	}
	for _, a := range p.Previews {
		fmt.Fprintf(&b, "preview %s %s@%s=%s", a.Name, v1alpha1.ShortRef(a.Spec.ProductionRef), a.Spec.Heads[0].Commit[:2], a.Spec.Heads[0].Revision)
		if a.Spec.Preview.Fork {
			b.WriteString(" fork")
		}
		if u := a.Spec.Preview.Unset; u != nil {
			fmt.Fprintf(&b, " unset=%s", strings.Join(u, ","))
		}
		if w := a.Spec.Problem; w != nil {
			fmt.Fprintf(&b, " problem=%s", w.Reason)
		}
		b.WriteString("\n")
		for _, r := range a.Revisions {
			fmt.Fprintf(&b, "  make %s:", r.Name)
			for _, e := range r.From.Spec.Env {
				fmt.Fprintf(&b, " %s=%s", e.Name, shown(e))
			}
			b.WriteString("\n")
		}
	}
	for _, gone := range p.Remove {
		fmt.Fprintf(&b, "remove %s (%s)\n", gone.App, gone.Why)
	}
	return b.String()
}

func shown(e v1alpha1.EnvVar) string {
	if e.Secret != nil || e.Config != nil {
		return written(e)
	}
	return e.Value
}

func facts(production *Snapshot, requests ...*Request) Facts {
	return Facts{Repository: "repo", Namespace: "default", UID: "uid", ProductionRef: main, Production: production, Now: noon, Requests: requests,
		Public: address.Public{Scheme: "https", Domain: "apps.example.com", Port: 443}}
}

func wantTold(t *testing.T, f Facts, want string) Plan {
	t.Helper()
	p := Make(f)
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), tell(p)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	return p
}

func TestRequestsGetPreviews(t *testing.T) {
	production := read(t, "a1", "k1 name: shop\npreview: true", "k1 name: api\npreview: {public: true}", "k1 name: old")
	feat := read(t, "b2", "k2 name: shop\npreview: {max: 100}\nhold: true\npin: abcdef12\nscale: {min: 5, max: 100, standby: 3}", "k1 name: api", "k2 name: old", "k2 name: new\npreview: true")
	for _, tc := range []struct{ name, line, want string }{
		{"only the apps that it changes", "12 feat b2", "12 Previewed shop-pr-12\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2\n  make shop-pr-12-b2b2b2b2:\n"},
		{"a fork waits", "12 feat b2 fork", fmt.Sprintf("12 Approval  (waiting for somebody who may write to approve it: review it, or comment \"/headway approve %s\")\n", hash("b2"))},
		{"an approved fork", "12 feat b2 fork approved:b2", "12 Previewed shop-pr-12\npreview shop-pr-12 refs/pull/12/head@b2=shop-pr-12-b2b2b2b2 fork\n  make shop-pr-12-b2b2b2b2:\n"},
		{"a fork with another commit approved", "12 feat b2 fork approved:c3", fmt.Sprintf("12 Approval  (waiting for somebody who may write to approve it: review it, or comment \"/headway approve %s\"; until then its previews stay at c3c3c3c3, which ada has approved)\n", hash("b2"))},
		{"too old", "12 feat b2 old", "12 Expired  (nothing was pushed since 2026-11-24 04:00 UTC, so its previews are gone; they come back with the next push)\n"},
		{"a draft, and those have previews", "12 feat b2 draft", "12 Previewed shop-pr-12\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2\n  make shop-pr-12-b2b2b2b2:\n"},
		{"a commit that cannot be read", "12 feat b2 unread", "12 Invalid  (commit b2b2b2b2 cannot be read; previews that it has stay as they are: it is too large)\n"},
		{"a branch that nothing names", "0 feat b2", "0 Untouched  (no preview.branches names this branch any more)\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := wantTold(t, facts(production, open(t, tc.line, feat)), tc.want)
			for _, a := range p.Previews {
				if s := a.Spec; s.Hold || s.Pin != "" || s.Release != nil || s.Hosts != nil || s.Sticky != nil {
					t.Errorf("rights of the request's own: %+v", s)
				}
				if s := a.Revisions[0].From.Spec.Scale; s.Min != 0 || s.Standby != 0 || s.Max != 20 {
					t.Errorf("scale %+v", s)
				}
				if b := a.Revisions[0].Preview; b == nil || b.App != "shop" || b.Fork != strings.Contains(tc.line, "fork") {
					t.Errorf("built for %+v", b)
				}
				if !a.Spec.Preview.Expires.Equal(&metav1.Time{Time: noon.Add(72 * time.Hour)}) {
					t.Errorf("expires %v", a.Spec.Preview.Expires)
				}
			}
		})
	}
}

// TestLifeOfAPreview: pushes, and what production does meanwhile.
func TestLifeOfAPreview(t *testing.T) {
	on, off := "k1 name: shop\npreview: true", "k1 name: shop"
	broken := "k1 name: shop\nprot: 1"
	f := facts(read(t, "a1", on), open(t, "12 feat b2", read(t, "b2", "k2 name: shop")))
	f = nextLook(f, Make(f))
	is := "12 Previewed shop-pr-12\npreview shop-pr-12 feat@"
	for _, tc := range []struct {
		name, production, line, head, want string
	}{
		{"nothing moved", on, "12 feat b2", "k2 name: shop", is + "b2=shop-pr-12-b2b2b2b2\n"},
		{"a push", on, "12 feat c3", "k3 name: shop", is + "c3=shop-pr-12-c3c3c3c3\n  make shop-pr-12-c3c3c3c3:\n"},
		{"a push that changes nothing of the app", on, "12 feat c3", "k2 name: shop", is + "c3=shop-pr-12-b2b2b2b2\n"},
		{"another branch of the same request", on, "12 other b2", "k2 name: shop", "12 Previewed shop-pr-12\npreview shop-pr-12 other@b2=shop-pr-12-b2b2b2b2\n"},
		{"a push with an error", on, "12 feat c3", "k3 name: shop\nprot: 1",
			"12 Invalid shop-pr-12 (shop/headway.yaml:2:1: unknown key \"prot\", did you mean \"port\"? Valid keys here: args, build, channels, command, env, events, health, hold, hosts, ignore, image, name, path, pin, port, preview, release, resources, scale, sends, sources, sticky, timeout, watch)\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2 problem=InvalidSpec\n"},
		{"a push that asks for a Secret", on, "12 feat c3", "k3 name: shop\nenv: {A: secret://vault/root}",
			"12 Invalid shop-pr-12 (shop/headway.yaml:2:10: env.A: secret://vault/root is not for previews: they get the Secrets and ConfigMaps that preview.env and preview.secrets name in shop/headway.yaml on production. Add it there, or write a plain value)\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2 problem=NotAllowed\n"},
		{"the commit cannot be read", on, "12 feat c3 unread", "k2 name: shop", "12 Invalid shop-pr-12 (commit c3c3c3c3 cannot be read; previews that it has stay as they are: it is too large)\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2\n"},
		{"the app is as production's", on, "12 feat c3", "k1 name: shop", "12 Untouched  (it changes no app that has previews)\nremove shop-pr-12 (it changes no app that has previews)\n"},
		{"the app is gone from the branch", on, "12 feat c3", "k1 name: other", "12 Untouched  (it changes no app that has previews)\nremove shop-pr-12 (it changes no app that has previews)\n"},
		{"closed", on, "", "", "remove shop-pr-12 (request 12 is closed)\n"},
		{"expired", on, "12 feat b2 old", "k2 name: shop", "12 Expired  (nothing was pushed since 2026-11-24 04:00 UTC, so its previews are gone; they come back with the next push)\nremove shop-pr-12 (nothing was pushed since 2026-11-24 04:00 UTC, so its previews are gone; they come back with the next push)\n"},
		{"previews are switched off", off, "12 feat b2", "k2 name: shop", "12 Untouched  (no app has previews; write preview: true into a headway.yaml on main)\nremove shop-pr-12 (no app has previews; write preview: true into a headway.yaml on main)\n"},
		{"... while the commit cannot be read", off, "12 feat b2 unread", "k2 name: shop", "12 Untouched  (no app has previews; write preview: true into a headway.yaml on main)\nremove shop-pr-12 (no app has previews; write preview: true into a headway.yaml on main)\n"},
		{"it is a fork's now, which waits", on, "12 feat c3 fork approved:b2", "", fmt.Sprintf("12 Approval shop-pr-12 (waiting for somebody who may write to approve it: review it, or comment \"/headway approve %s\"; until then its previews stay at b2b2b2b2, which ada has approved)\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2\n", hash("c3"))},
		{"production's file is broken", broken, "12 feat c3", "k3 name: shop", "12 Previewed shop-pr-12 (its previews stay as they are, as headway.yaml of shop on main cannot be used)\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2\n"},
		{"... and the request is closed", broken, "", "", "remove shop-pr-12 (request 12 is closed)\n"},
		{"production changes what previews get", on + "\nenv: {X: y}\n", "12 feat b2", "k2 name: shop", is + "b2=shop-pr-12-b2b2b2b2\n"},
		{"... by preview.env", "k1 name: shop\npreview: {env: {X: y}}", "12 feat b2", "k2 name: shop", "12 Previewed shop-pr-12\npreview shop-pr-12 feat@b2=shop-pr-12-b2b2b2b2eadf\n  make shop-pr-12-b2b2b2b2eadf: X=y\n"},
		{"drafts get none", "k1 name: shop\npreview: {drafts: false}", "12 feat b2 draft", "k2 name: shop", "12 Draft  (a draft; it gets previews when it is ready for review, as preview.drafts is false)\nremove shop-pr-12 (a draft; it gets previews when it is ready for review, as preview.drafts is false)\n"},
		{"forks get none", "k1 name: shop\npreview: {forks: never}", "12 feat b2 fork approved:b2", "k2 name: shop", "12 Untouched  (it comes from a fork, and those get no previews, as preview.forks is never; push the commit to a branch of this repository to see one)\nremove shop-pr-12 (it comes from a fork, and those get no previews, as preview.forks is never; push the commit to a branch of this repository to see one)\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := f
			f.Production, f.Requests = read(t, "a2", tc.production), nil
			if tc.line != "" {
				var head *Snapshot
				if tc.head != "" {
					head = read(t, strings.Fields(tc.line)[2], tc.head)
				}
				f.Requests = []*Request{open(t, tc.line, head)}
			}
			wantTold(t, f, tc.want)
		})
	}
}

func TestWhatARequestBeganFrom(t *testing.T) {
	production := read(t, "a1", "k1 name: shop\npreview: true")
	first := nextLook(facts(production), Make(facts(production)))
	base := func(files ...string) Base {
		b := Base{}
		b.Add(read(t, "f0", files...))
		return b
	}
	for _, tc := range []struct {
		name, production, head string
		base                   Base
		want                   v1alpha1.RequestState
	}{
		{"it changes the app", "k2", "k3", base("k2 name: shop"), v1alpha1.RequestPreviewed},
		{"production has moved on, the app did not change", "k2", "k1", base("k1 name: shop"), v1alpha1.RequestUntouched},
		{"it takes a change back", "k2", "k1", base("k2 name: shop"), v1alpha1.RequestPreviewed},
		{"it adds the app", "k2", "k3", base("k1 name: other"), v1alpha1.RequestPreviewed},
		{"production has the same by now", "k2", "k2", base("k1 name: shop"), v1alpha1.RequestUntouched},
		{"where it began is not known", "k2", "k3", nil, v1alpha1.RequestPreviewed},
		{"... and production was so before", "k2", "k1", nil, v1alpha1.RequestUntouched},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := first
			f.Production = read(t, "a2", tc.production+" name: shop\npreview: true")
			r := open(t, "12 feat b2", read(t, "b2", tc.head+" name: shop"))
			r.Began = tc.base
			f.Requests = []*Request{r}
			if got := f.NeedsBase(r); got != (tc.head != tc.production) {
				t.Errorf("NeedsBase = %v", got)
			}
			if got := Make(f).Requests[0]; got.State != tc.want {
				t.Errorf("%s (%s), want %s", got.State, got.Message, tc.want)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	production := read(t, "a1", "k1 name: shop\npreview: {max: 2}", "k1 name: api\npreview: {max: 1}")
	request := func(n int) *Request {
		return open(t, fmt.Sprintf("%d feat%d b2", n, n), read(t, "b2", "k2 name: shop"))
	}
	f := facts(production, request(9), request(8), request(7), open(t, "6 none b2", read(t, "b2", "k1 name: shop")))
	p := Make(f)
	states := func(p Plan) string {
		var out []string
		for _, r := range p.Requests {
			out = append(out, fmt.Sprintf("%d:%s", r.Number, r.State))
		}
		return strings.Join(out, " ")
	}
	if got, want := states(p), "9:Waiting 8:Previewed 7:Previewed 6:Untouched"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := p.Requests[0].Message; got != "waiting for a place: 2 of 2 previews are taken" {
		t.Error(got)
	}
	f = nextLook(f, p)
	f.Requests = []*Request{request(9), request(8), request(7), request(5)}
	if got, want := states(Make(f)), "9:Waiting 8:Previewed 7:Previewed 5:Waiting"; got != want {
		t.Errorf("with an older one: %s, want %s", got, want)
	}
	f.Requests = []*Request{request(9), request(8), request(5)}
	p = Make(f)
	if got, want := states(p), "9:Waiting 8:Previewed 5:Previewed"; got != want {
		t.Errorf("with 7 closed: %s, want %s", got, want)
	}
	f = nextLook(f, p)
	f.Production = read(t, "a2", "k1 name: shop\npreview: {max: 1}", "k1 name: api")
	if got, want := states(Make(f)), "9:Waiting 8:Previewed 5:Previewed"; got != want {
		t.Errorf("with fewer places: %s, want %s", got, want)
	}
}

func TestManyAppsOfOneRequest(t *testing.T) {
	var is, was []string
	for i := range 60 {
		was = append(was, fmt.Sprintf("k1 name: a%02d\npreview: true", i))
		is = append(is, fmt.Sprintf("k2 name: a%02d", i))
	}
	p := Make(facts(read(t, "a1", was...), open(t, "1 feat b2", read(t, "b2", is...))))
	if r := p.Requests[0]; len(p.Previews) != 50 || len(r.Previews) != 50 || r.State != v1alpha1.RequestPreviewed || !strings.Contains(r.Message, "at most 50 previews") || !strings.Contains(r.Message, "a50, a51") {
		t.Errorf("%d previews, %+v", len(p.Previews), r)
	}
}

func TestLinks(t *testing.T) {
	production := read(t, "a1", "k1 name: shop\npreview: {link: {API: api, WEB: web, NO: nothing}}", "k1 name: api\npreview: {public: true}", "k1 name: web\npreview: true")
	p := Make(facts(production, open(t, "3 feat b2", read(t, "b2", "k2 name: shop", "k2 name: api", "k1 name: web"))))
	env := p.Previews[1].Revisions[0].From.Spec.Env
	want := []v1alpha1.EnvVar{{Name: "API", Value: "https://api-pr-3.apps.example.com"}, {Name: "WEB", Value: "https://web.apps.example.com"}}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("env (-want +got)\n%s", diff)
	}
	if unset := p.Previews[1].Spec.Preview.Unset; !slices.Equal(unset, []string{"NO"}) {
		t.Errorf("unset %v", unset)
	}
}

func TestQueueIsBuiltAndToldOf(t *testing.T) {
	ref := "refs/heads/gh-readonly-queue/main/pr-12-" + hash("a1")
	refs := map[string]string{main: hash("a1"), ref: hash("b2"), "refs/heads/gh-readonly-queue/beta/pr-1-" + hash("a1"): hash("c3"), "refs/heads/gh-readonly-queue/x": hash("d4")}
	f := facts(read(t, "a1", "k1 name: shop\npreview: {branches: ['**']}"))
	if diff := cmp.Diff(map[string]string{ref: hash("b2")}, f.QueueHeads(refs)); diff != "" {
		t.Errorf("heads (-want +got)\n%s", diff)
	}
	if got := f.PreviewBranches(refs, nil); got != nil {
		t.Errorf("previews for %v", got)
	}
	f.Others = map[string]*Snapshot{ref: read(t, "b2", "k2 name: shop")}
	p := wantTold(t, f, "12 Queued  (in the merge queue of main: it is built, and has no preview)\n")
	if got := p.Apps[0].Revisions; len(got) != 2 || got[1].Name != "shop-b2b2b2b2" || got[1].Preview != nil {
		t.Errorf("revisions %+v", got)
	}
	f = nextLook(f, p)
	f.Production, f.Others = f.Others[ref], nil
	if p := Make(f); len(p.Apps[0].Revisions) != 0 || p.Apps[0].Spec.History[0] != "shop-b2b2b2b2" {
		t.Errorf("after the merge: %+v", p.Apps[0])
	}
}
