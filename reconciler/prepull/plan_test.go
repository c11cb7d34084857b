package prepull

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// seenOf reads what a test says in short. Revisions are "a", or "a.other" in a
// namespace of that name; their images have the digest "a"; "a@n1" is an image
// on a node.
type seenOf struct {
	targets string // "a b": the most important first
	nodes   string // "n1 n2"
	other   string // nodes that take no app pods
	pulls   string // "a@n1=pulling/30s": its state and age
	on      string // "a@n1"
	coming  string // "a@n1"
	tries   string // "a@n1=2/30s": how often, and how long ago the last was
}

func (s seenOf) parse(t *testing.T) Seen {
	t.Helper()
	seen := Seen{On: map[string][]nodeID{}, Coming: map[attempt]bool{}, Tries: map[attempt]tries{}}
	for name := range strings.FieldsSeq(s.targets) {
		rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: namespaceOf(name), Name: name}}
		seen.Targets = append(seen.Targets, Target{Revision: rev, Digest: name})
	}
	for name := range strings.FieldsSeq(s.nodes) {
		seen.Nodes = append(seen.Nodes, Node{Name: name, ID: name})
	}
	seen.Known = slices.Sorted(strings.FieldsSeq(s.nodes + " " + s.other))
	for image := range strings.FieldsSeq(s.on) {
		at := parseAttempt(image)
		seen.On[at.digest] = append(seen.On[at.digest], at.node)
	}
	for image := range strings.FieldsSeq(s.coming) {
		seen.Coming[parseAttempt(image)] = true
	}
	for text := range strings.FieldsSeq(s.tries) {
		image, rest, _ := strings.Cut(text, "=")
		count, age := parseAged(t, rest)
		n, err := strconv.Atoi(count)
		if err != nil {
			t.Fatal(err)
		}
		seen.Tries[parseAttempt(image)] = tries{n, start.Add(-age)}
	}
	for text := range strings.FieldsSeq(s.pulls) {
		image, rest, _ := strings.Cut(text, "=")
		at := parseAttempt(image)
		state, age := parseAged(t, rest)
		seen.Pulls = append(seen.Pulls, Pull{
			Pod: types.NamespacedName{Namespace: namespaceOf(at.digest), Name: podName(at.digest, at.node)}, Revision: at.digest, Node: at.node,
			State:   map[string]pullState{"pulling": pulling, "troubled": troubled, "done": done, "failed": failed}[state],
			Created: start.Add(-age),
		})
	}
	return seen
}

func namespaceOf(revision string) string {
	if _, namespace, named := strings.Cut(revision, "."); named {
		return namespace
	}
	return "team"
}

func parseAttempt(text string) attempt {
	digest, node, _ := strings.Cut(text, "@")
	return attempt{digest, node}
}

func parseAged(t *testing.T, text string) (string, time.Duration) {
	t.Helper()
	what, age, _ := strings.Cut(text, "/")
	d, err := time.ParseDuration(age)
	if err != nil {
		t.Fatal(err)
	}
	return what, d
}

// told is a plan in short: "start a@n1, done b@n2, again 1m0s".
func told(p Plan) string {
	var parts []string
	for _, s := range p.Start {
		parts = append(parts, "start "+s.Target.Digest+"@"+s.Node.Name)
	}
	for _, end := range []struct {
		kind  string
		pulls []Pull
	}{{"done", p.Done}, {"failed", p.Failed}, {"stale", p.Stale}} {
		for _, pull := range end.pulls {
			parts = append(parts, end.kind+" "+pull.Revision+"@"+pull.Node)
		}
	}
	if p.RequeueAfter > 0 {
		parts = append(parts, "again "+p.RequeueAfter.String())
	}
	return strings.Join(parts, ", ")
}

func TestPlan(t *testing.T) {
	many := strings.Fields("n01 n02 n03 n04 n05 n06 n07 n08 n09 n10 n11 n12")
	for _, tc := range []struct {
		name string
		seen seenOf
		want string
	}{
		{"nothing to pull", seenOf{}, ""},
		{"it ran on the only node", seenOf{targets: "a b", nodes: "n1", on: "a@n1 b@n1"}, ""},
		{"it ran on the other node", seenOf{targets: "a", nodes: "n1 n2", on: "a@n1"}, "start a@n2, again 1m0s"},
		{"the most important first, one on a node", seenOf{targets: "a b", nodes: "n1 n2", on: "b@n1"},
			"start a@n1, start a@n2, again 1m0s"},
		{"nodes do not wait for each other", seenOf{targets: "a b", nodes: "n1 n2", on: "a@n1"},
			"start a@n2, start b@n1, again 1m0s"},
		{"a pull holds its node", seenOf{targets: "a b", nodes: "n1", pulls: "b@n1=pulling/1m"}, "again 9m0s"},
		{"no more than ten in all", seenOf{targets: "a b", nodes: strings.Join(many, " ")},
			"start a@" + strings.Join(many[:10], ", start a@") + ", again 1m0s"},
		{"no more than ten with those that are on their way",
			seenOf{targets: "a b", nodes: strings.Join(many, " "), pulls: "b@" + strings.Join(many[:9], "=pulling/1s b@") + "=pulling/1s"},
			"start a@n10, again 1m0s"},
		{"a namespace has three places while another waits", seenOf{targets: "a b.other", nodes: strings.Join(many, " ")},
			"start a@n01, start a@n02, start a@n03, start b.other@n04, start b.other@n05, start b.other@n06, " +
				"start a@n07, start a@n08, start a@n09, start a@n10, again 1m0s"},
		{"those that it holds count", seenOf{targets: "a b.other", nodes: "n01 n02 n03 n04", pulls: "a@n01=pulling/1s a@n02=pulling/1s a@n03=pulling/1s"},
			"start b.other@n04, again 1m0s"},
		{"an image that came is not pulled again", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=done/1s"}, "done a@n1"},
		{"the next follows at once", seenOf{targets: "a b", nodes: "n1", pulls: "a@n1=done/1s"}, "start b@n1, done a@n1, again 1m0s"},
		{"trouble may pass", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=troubled/59s"}, "again 1s"},
		{"trouble that does not gives its place to another", seenOf{targets: "a b", nodes: "n1", pulls: "a@n1=troubled/1m"},
			"start b@n1, failed a@n1, again 1m0s"},
		{"a large image may take long", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=pulling/9m59s"}, "again 1s"},
		{"not for ever", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=pulling/10m"}, "failed a@n1"},
		{"what failed is not tried at once", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=failed/1s"}, "failed a@n1"},
		{"nor before its time", seenOf{targets: "a", nodes: "n1", tries: "a@n1=3/3m"}, "again 1m0s"},
		{"but then", seenOf{targets: "a", nodes: "n1", tries: "a@n1=3/4m"}, "start a@n1, again 1m0s"},
		{"and not again and again", seenOf{targets: "a", nodes: "n1", tries: "a@n1=5/24h"}, ""},
		{"a failure on one node is none on another", seenOf{targets: "a", nodes: "n1 n2", tries: "a@n1=5/24h"}, "start a@n2, again 1m0s"},
		{"a starting pod brings the image", seenOf{targets: "a b", nodes: "n1", coming: "a@n1"}, "start b@n1, again 30s"},
		{"a node that takes no pods", seenOf{targets: "a", other: "n1"}, ""},
		{"what was begun there may end", seenOf{targets: "a", other: "n1", pulls: "a@n1=pulling/1m"}, "again 9m0s"},
		{"a node that is gone", seenOf{targets: "a", nodes: "n1", on: "a@n1", pulls: "a@n2=pulling/1m"}, "stale a@n2"},
		{"a revision that is out of reach", seenOf{targets: "b", nodes: "n1", pulls: "a@n1=done/1s"}, "start b@n1, stale a@n1, again 1m0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, told(PlanFor(tc.seen.parse(t), start))); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlanSharesAnImage: two revisions of one image are one pull.
func TestPlanSharesAnImage(t *testing.T) {
	seen := seenOf{targets: "a b", nodes: "n1 n2", on: "a@n1"}.parse(t)
	seen.Targets[1].Digest = "a"
	if got := told(PlanFor(seen, start)); got != "start a@n2, again 1m0s" {
		t.Error(got)
	}
}

func TestBackoff(t *testing.T) {
	var got []string
	for failures := 1; failures < maxTries; failures++ {
		got = append(got, backoff(failures).String())
	}
	if fmt.Sprint(got) != "[1m0s 2m0s 4m0s 8m0s]" {
		t.Error(got)
	}
}

func BenchmarkPlan(b *testing.B) {
	seen := Seen{On: map[string][]nodeID{}}
	for i := range 50 {
		id := fmt.Sprintf("%08x", i)
		seen.Nodes, seen.Known = append(seen.Nodes, Node{id, id}), append(seen.Known, id)
	}
	for i := range 3000 {
		digest := fmt.Sprint("sha256:", i)
		rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: fmt.Sprint("r", i)}}
		seen.Targets, seen.On[digest] = append(seen.Targets, Target{Revision: rev, Digest: digest}), seen.Known
	}
	for b.Loop() {
		if p := PlanFor(seen, start); len(p.Start) > 0 {
			b.Fatal(told(p))
		}
	}
}

// FuzzPlan checks what holds for every plan: one pull on a node, ten in all,
// nothing that is there already, and no pod judged twice.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{3, 4, 1, 2, 3})
	f.Add([]byte{12, 14, 250, 9, 17, 33, 91})
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() int {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return int(b)
		}
		var s seenOf
		targets, nodes := next()%16, next()%16
		for i := range targets {
			s.targets += fmt.Sprintf("r%02d ", i)
		}
		for i := range nodes {
			s.nodes += fmt.Sprintf("n%02d ", i)
		}
		for len(data) > 0 {
			image := fmt.Sprintf("r%02d@n%02d", next()%16, next()%16)
			switch next() % 4 {
			case 0:
				s.on += image + " "
			case 1:
				s.coming += image + " "
			case 2:
				s.tries += fmt.Sprintf("%s=%d/%dm ", image, 1+next()%5, next()%20)
			case 3:
				s.pulls += fmt.Sprintf("%s=%s/%dm ", image, []string{"pulling", "troubled", "done", "failed"}[next()%4], next()%12)
			}
		}
		seen := s.parse(t)
		for digest := range seen.On {
			slices.Sort(seen.On[digest])
		}
		checkPlan(t, seen, PlanFor(seen, start))
	})
}

func checkPlan(t *testing.T, seen Seen, p Plan) {
	t.Helper()
	ending := len(p.Done) + len(p.Failed) + len(p.Stale)
	if held := len(seen.Pulls) - ending; held < 0 || (len(p.Start) > 0 && held+len(p.Start) > maxPulls) {
		t.Errorf("%d pods, %d of them end, %d start", len(seen.Pulls), ending, len(p.Start))
	}
	busy := map[nodeID]int{}
	for _, pull := range seen.Pulls {
		busy[pull.Node]++
	}
	for _, pull := range slices.Concat(p.Done, p.Failed, p.Stale) {
		busy[pull.Node]--
	}
	for _, s := range p.Start {
		at := attempt{s.Target.Digest, s.Node.ID}
		if busy[at.node]++; busy[at.node] > 1 {
			t.Errorf("node %s has %d pulls", at.node, busy[at.node])
		}
		if slices.Contains(seen.On[at.digest], at.node) || seen.Coming[at] || seen.Tries[at].count >= maxTries {
			t.Errorf("%v should not be pulled", at)
		}
	}
	if p.RequeueAfter < 0 {
		t.Errorf("look again after %s", p.RequeueAfter)
	}
}
