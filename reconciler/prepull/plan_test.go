package prepull

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// seenOf reads what a test says in short. Revisions are "a", or "a.other" in a
// namespace of that name; their images have the digest "a"; "a@n1" is an image
// on a node. The node "cordoned" is.
type seenOf struct {
	targets string // "a b": the most important first
	nodes   string // "n1 n2"
	pulls   string // "a@n1=pulling/30s": its state and age
	covered string // "a@n1": the image has come there
}

func (s seenOf) parse(t *testing.T) (seen Seen) {
	t.Helper()
	for i, name := range strings.Fields(s.targets) {
		rev := v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: namespaceOf(name), Name: name}}
		rev.Status.Image, rev.Status.EverReady = "image@"+name, true
		for image := range strings.FieldsSeq(s.covered) {
			if digest, node := parsePlace(image); digest == name {
				metav1.SetMetaDataAnnotation(&rev.ObjectMeta, annotationPulledOn, rev.Annotations[annotationPulledOn]+" "+node)
			}
		}
		seen.Revisions = append(seen.Revisions, rev)
		app := v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: rev.Namespace, Name: name}}
		app.Status.Revisions = []v1alpha1.RevisionRole{{Name: name, Weight: int32(1000 - i)}}
		seen.Apps = append(seen.Apps, app)
	}
	for name := range strings.FieldsSeq(s.nodes) {
		node := newNode(name)
		node.Name, node.UID, node.Spec.Unschedulable = name, types.UID(name), name == "cordoned"
		seen.Nodes = append(seen.Nodes, *node)
	}
	for text := range strings.FieldsSeq(s.pulls) {
		image, rest, _ := strings.Cut(text, "=")
		digest, node := parsePlace(image)
		state, age := parseAged(t, rest)
		isController := true
		seen.Pods = append(seen.Pods, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: namespaceOf(digest), Name: image, CreationTimestamp: metav1.NewTime(start.Add(-age)),
				Labels:          map[string]string{labelPrepull: digest, labelNode: node},
				OwnerReferences: []metav1.OwnerReference{{Kind: "Revision", Name: digest, Controller: &isController}},
			},
			Status: map[string]corev1.PodStatus{
				"pulling": pending, "stalled": backoff, "done": ended, "failed": {Phase: corev1.PodFailed, Reason: "Evicted"},
			}[state],
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

func parsePlace(text string) (digest, node string) {
	digest, node, _ = strings.Cut(text, "@")
	return digest, node
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
		parts = append(parts, "start "+digestOf(s.Revision.Status.Image)+"@"+s.Node.Name)
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
// TestPlanLeavesPreviews: few people open them.
func TestPlanLeavesPreviews(t *testing.T) {
	seen := seenOf{targets: "a b", nodes: "n1"}.parse(t)
	seen.Revisions[0].Spec.Preview = &v1alpha1.BuiltFor{App: "shop"}
	if got := told(PlanFor(seen, start)); got != "start b@n1" {
		t.Errorf("the plan: %s", got)
	}
}

func TestPlanSharesAnImage(t *testing.T) {
	seen := seenOf{targets: "a b", nodes: "n1 n2", covered: "a@n1"}.parse(t)
	seen.Revisions[1].Status.Image = "other@a"
	if got := told(PlanFor(seen, start)); got != "start a@n2" {
		t.Error(got)
	}
}

func BenchmarkPlan(b *testing.B) {
	var s seenOf
	on := ""
	for i := range 50 {
		s.nodes += fmt.Sprintf("%08x ", i)
		on += fmt.Sprintf(" %08x", i)
	}
	var targets strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&targets, "r%d ", i)
	}
	s.targets = targets.String()
	seen := s.parse(new(testing.T))
	for i := range seen.Revisions {
		metav1.SetMetaDataAnnotation(&seen.Revisions[i].ObjectMeta, annotationPulledOn, on)
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
	busy, held := map[string]int{}, 0
	pulls, covered := seen.pulls(seen.targets())
	for _, pull := range pulls {
		age := start.Sub(pull.Pod.CreationTimestamp.Time)
		ended, reason := progress(&pull.Pod.Status)
		if !ended && pull.Revision != nil && pull.Node != nil && age < pullLimit && (reason == "" || age < patience) {
			busy[pull.Node.Name]++
			held++
		}
	}
	if len(p.Start) > 0 && held+len(p.Start) > maxPulls || len(p.End) > len(pulls) {
		t.Errorf("%d pods, of which %d pull; %d end, %d start", len(pulls), held, len(p.End), len(p.Start))
	}
	for _, s := range p.Start {
		if busy[s.Node.Name]++; busy[s.Node.Name] > 1 {
			t.Errorf("node %s has %d pulls", s.Node.Name, busy[s.Node.Name])
		}
		if covered[place{digestOf(s.Revision.Status.Image), idOf(s.Node)}] || strings.Contains(s.Revision.Annotations[annotationPulledOn], idOf(s.Node)) {
			t.Errorf("%s should not be pulled onto %s", s.Revision.Name, s.Node.Name)
		}
	}
}
