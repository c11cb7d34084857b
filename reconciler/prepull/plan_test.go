package prepull

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// seenOf reads what a test says in short. Revisions are "a", or "a.other" in a
// namespace of that name; their images have the digest "a"; "a@n1" is an image
// on a node.
type seenOf struct {
	targets string // "a b": the most important first
	nodes   string // "n1 n2"
	pulls   string // "a@n1=pulling/30s": its state and age
	covered string // "a@n1"
}

func (s seenOf) parse(t *testing.T) Seen {
	t.Helper()
	seen := Seen{Covered: map[attempt]bool{}}
	for name := range strings.FieldsSeq(s.targets) {
		rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: namespaceOf(name), Name: name}}
		seen.Targets = append(seen.Targets, Target{Revision: rev, Digest: name})
	}
	for name := range strings.FieldsSeq(s.nodes) {
		seen.Nodes = append(seen.Nodes, Node{Name: name, ID: name, TakesApps: name != "cordoned"})
	}
	for image := range strings.FieldsSeq(s.covered) {
		seen.Covered[parseAttempt(image)] = true
	}
	for text := range strings.FieldsSeq(s.pulls) {
		image, rest, _ := strings.Cut(text, "=")
		at := parseAttempt(image)
		state, age := parseAged(t, rest)
		pull := Pull{
			Pod:   &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespaceOf(at.digest), Name: image, CreationTimestamp: metav1.NewTime(start.Add(-age))}},
			Ended: state == "done" || state == "failed",
		}
		if state == "stalled" || state == "failed" {
			pull.Reason = "no such host"
		}
		for i := range seen.Targets {
			if seen.Targets[i].Digest == at.digest {
				pull.Target = &seen.Targets[i]
			}
		}
		for i := range seen.Nodes {
			if seen.Nodes[i].ID == at.node {
				pull.Node = &seen.Nodes[i]
			}
		}
		seen.Covered[at] = true // as observed
		seen.Pulls = append(seen.Pulls, pull)
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

// told is a plan in short: "start a@n1, done b@n2".
func told(p Plan) string {
	var parts []string
	for _, s := range p.Start {
		parts = append(parts, "start "+s.Target.Digest+"@"+s.Node.Name)
	}
	for _, pull := range p.End {
		end := "done "
		if pull.Reason != "" {
			end = "failed "
		}
		parts = append(parts, end+pull.Pod.Name)
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
		{"it ran on the only node", seenOf{targets: "a b", nodes: "n1", covered: "a@n1 b@n1"}, ""},
		{"it ran on the other node", seenOf{targets: "a", nodes: "n1 n2", covered: "a@n1"}, "start a@n2"},
		{"the most important first, one on a node", seenOf{targets: "a b", nodes: "n1 n2", covered: "b@n1"},
			"start a@n1, start a@n2"},
		{"nodes do not wait for each other", seenOf{targets: "a b", nodes: "n1 n2", covered: "a@n1"},
			"start a@n2, start b@n1"},
		{"a pull holds its node", seenOf{targets: "a b", nodes: "n1", pulls: "b@n1=pulling/1m"}, ""},
		{"no more than ten in all", seenOf{targets: "a b", nodes: strings.Join(many, " ")},
			"start a@" + strings.Join(many[:10], ", start a@")},
		{"no more than ten with those that are on their way",
			seenOf{targets: "a b", nodes: strings.Join(many, " "), pulls: "b@" + strings.Join(many[:9], "=pulling/1s b@") + "=pulling/1s"},
			"start a@n10"},
		{"a namespace has three places while another waits", seenOf{targets: "a b.other", nodes: strings.Join(many, " ")},
			"start a@n01, start a@n02, start a@n03, start b.other@n04, start b.other@n05, start b.other@n06, " +
				"start a@n07, start a@n08, start a@n09, start a@n10"},
		{"those that it holds count", seenOf{targets: "a b.other", nodes: "n01 n02 n03 n04", pulls: "a@n01=pulling/1s a@n02=pulling/1s a@n03=pulling/1s"},
			"start b.other@n04"},
		{"an image that came is not pulled again", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=done/1s"}, "done a@n1"},
		{"the next follows at once", seenOf{targets: "a b", nodes: "n1", pulls: "a@n1=done/1s"}, "start b@n1, done a@n1"},
		{"a stall may pass", seenOf{targets: "a b", nodes: "n1", pulls: "a@n1=stalled/59s"}, ""},
		{"a stall that does not gives its place to another", seenOf{targets: "a b", nodes: "n1", pulls: "a@n1=stalled/1m"}, "start b@n1"},
		{"but not for ever", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=stalled/20m"}, "failed a@n1"},
		{"and a namespace whose pulls stall does not get all places", seenOf{targets: "a b c d e.other", nodes: "n1 n2",
			pulls: "a@n1=stalled/1m b@n1=stalled/1m c@n1=stalled/1m"}, "start e.other@n1, start e.other@n2"},
		{"a large image may take long", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=pulling/19m59s"}, ""},
		{"not for ever", seenOf{targets: "a", nodes: "n1", pulls: "a@n1=pulling/20m"}, "failed a@n1"},
		{"what failed by itself", seenOf{targets: "a b", nodes: "n1", pulls: "a@n1=failed/1s"}, "start b@n1, failed a@n1"},
		{"what was begun on a node that takes no pods any more may end", seenOf{targets: "a", nodes: "cordoned", pulls: "a@cordoned=pulling/1m"}, ""},
		{"where none begins", seenOf{targets: "a", nodes: "cordoned"}, ""},
		{"what is for a node that is gone ends", seenOf{targets: "a", pulls: "a@n1=pulling/1m"}, "done a@n1"},
		{"so does what is for a revision that is out of reach", seenOf{targets: "b", nodes: "n1", pulls: "a@n1=pulling/1m"}, "start b@n1, done a@n1"},
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
	seen := seenOf{targets: "a b", nodes: "n1 n2", covered: "a@n1"}.parse(t)
	seen.Targets[1].Digest = "a"
	if got := told(PlanFor(seen, start)); got != "start a@n2" {
		t.Error(got)
	}
}

func BenchmarkPlan(b *testing.B) {
	seen := Seen{Covered: map[attempt]bool{}}
	for i := range 50 {
		id := fmt.Sprintf("%08x", i)
		seen.Nodes = append(seen.Nodes, Node{id, id, true})
	}
	for i := range 3000 {
		digest := fmt.Sprint("sha256:", i)
		rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: fmt.Sprint("r", i)}}
		seen.Targets = append(seen.Targets, Target{Revision: rev, Digest: digest})
		for _, node := range seen.Nodes {
			seen.Covered[attempt{digest, node.ID}] = true
		}
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
			if next()%2 == 0 {
				s.covered += image + " "
			} else {
				s.pulls += fmt.Sprintf("%s=%s/%dm ", image, []string{"pulling", "stalled", "done", "failed"}[next()%4], next()%24)
			}
		}
		seen := s.parse(t)
		checkPlan(t, seen, PlanFor(seen, start))
	})
}

func checkPlan(t *testing.T, seen Seen, p Plan) {
	t.Helper()
	busy, held := map[nodeID]int{}, 0
	for _, pull := range seen.Pulls {
		age := start.Sub(pull.Pod.CreationTimestamp.Time)
		if !pull.Ended && pull.Target != nil && pull.Node != nil && age < pullLimit && (pull.Reason == "" || age < patience) {
			busy[pull.Node.ID]++
			held++
		}
	}
	if len(p.Start) > 0 && held+len(p.Start) > maxPulls || len(p.End) > len(seen.Pulls) {
		t.Errorf("%d pods, of which %d pull; %d end, %d start", len(seen.Pulls), held, len(p.End), len(p.Start))
	}
	for _, s := range p.Start {
		if busy[s.Node.ID]++; busy[s.Node.ID] > 1 {
			t.Errorf("node %s has %d pulls", s.Node.ID, busy[s.Node.ID])
		}
		if seen.Covered[attempt{s.Target.Digest, s.Node.ID}] {
			t.Errorf("%s should not be pulled onto %s", s.Target.Digest, s.Node.ID)
		}
	}
}
