package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// runs is an App at a1 in a file, as its reconciler reports it.
func runs(name, file string, ready metav1.ConditionStatus, reason string) *v1alpha1.App {
	a := app(name, []v1alpha1.Head{head(main, "a1", name+"-a1a1a1a1")}, name+"-a1a1a1a1")
	a.Spec.Path, a.Generation = file, 3
	a.Status = v1alpha1.AppStatus{ObservedGeneration: 3, Live: name + "-a1a1a1a1"}
	meta.SetStatusCondition(&a.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReady, Status: ready, Reason: reason})
	return a
}

// TestRemoval: an App goes when nothing is lost with it. s is the file
// s/headway.yaml, which the App shop was made from.
func TestRemoval(t *testing.T) {
	const s = "s/headway.yaml"
	shop := runs("shop", s, "True", "Live")
	waiting := shop.DeepCopy()
	waiting.Spec.Problem = &v1alpha1.SpecProblem{Commit: hash("b2"), Reason: v1alpha1.ReasonRenamed}
	store := func(change func(*v1alpha1.App)) *v1alpha1.App {
		a := runs("store", s, "True", "Live")
		change(a)
		return a
	}
	same := func(*v1alpha1.App) {}
	tests := []struct {
		name  string
		files []string
		apps  []*v1alpha1.App
		read  string // files of the last look
		// want are the Apps that stay although no file is theirs, and those
		// that go, with what is said.
		want string
	}{
		{"the file is gone", []string{"web:k"}, []*v1alpha1.App{shop}, "", "shop goes: its headway.yaml is gone from main"},
		{"renamed", []string{s + "=store:k"}, []*v1alpha1.App{shop}, "",
			"shop stays: Renamed: s/headway.yaml names this app store now; shop serves on until store is live"},
		{"renamed, and it can be built by nothing", []string{s + "=store!NoTemplateFit"}, []*v1alpha1.App{shop}, "",
			"shop stays: Renamed: s/headway.yaml names this app store now; shop serves on until store is live, which it cannot be: x.yaml:1:1: NoTemplateFit"},
		{"renamed to a name that is taken twice", []string{s + "=store:k", "x/headway.yaml=store:k"}, []*v1alpha1.App{shop}, "",
			"shop stays: Renamed: s/headway.yaml names this app store now; shop serves on until store is live, which it cannot be: s/headway.yaml:1:1: name: x/headway.yaml has the name \"store\" too; give one of them another name"},
		{"the successor is on its way", []string{s + "=store:k"}, []*v1alpha1.App{waiting, store(func(a *v1alpha1.App) {
			a.Status = v1alpha1.AppStatus{}
		})}, "", "shop stays: Renamed: s/headway.yaml names this app store now; shop serves on until store is live"},
		{"the successor has failed", []string{s + "=store:k"}, []*v1alpha1.App{waiting, runs("store", s, "False", "NoReadyRevision")}, "",
			"shop stays: Renamed: s/headway.yaml names this app store now; shop serves on until store is live"},
		{"the successor is live", []string{s + "=store:k"}, []*v1alpha1.App{waiting, store(same)}, "",
			"shop goes: store, as s/headway.yaml names it now, is live"},
		{"the successor is live but for a host that shop still has", []string{s + "=store:k"}, []*v1alpha1.App{waiting, runs("store", s, "False", "HostConflict")}, "",
			"shop goes: store, as s/headway.yaml names it now, is live"},
		{"what was live is older than the file", []string{s + "=store:k"}, []*v1alpha1.App{waiting, store(func(a *v1alpha1.App) { a.Generation++ })}, "",
			"shop stays: Renamed: s/headway.yaml names this app store now; shop serves on until store is live"},
		{"the name was that of another file", []string{s + "=store:k"}, []*v1alpha1.App{shop, runs("store", "x/headway.yaml", "True", "Live")}, "",
			"shop stays: Renamed: s/headway.yaml names this app store now; shop serves on until store is live"},
		{"the successor is live, and its file is broken now", []string{s + "=!InvalidSpec"}, []*v1alpha1.App{waiting, store(same)}, "",
			"shop goes: store, as s/headway.yaml names it now, is live\nstore stays: InvalidSpec: x.yaml:1:1: InvalidSpec"},
		{"renamed back", []string{s + "=shop:k"}, []*v1alpha1.App{waiting, store(same)}, "",
			"store goes: shop, as s/headway.yaml names it now, is live"},
		{"renamed twice", []string{s + "=depot:k"}, []*v1alpha1.App{waiting, store(same)}, "",
			"shop stays: Renamed: s/headway.yaml names this app depot now; shop serves on until depot is live\n" +
				"store stays: Renamed: s/headway.yaml names this app depot now; store serves on until depot is live"},
		{"renamed and then removed", []string{"web:k"}, []*v1alpha1.App{waiting, store(same)}, "",
			"shop goes: its headway.yaml is gone from main\nstore goes: its headway.yaml is gone from main"},
		{"gone, and a file that cannot be read is new", []string{"x/headway.yaml=!InvalidSpec"}, []*v1alpha1.App{shop}, s,
			"shop stays: FileMissing: s/headway.yaml is gone from main, and this app may have moved to a file that cannot be read: x/headway.yaml. It serves on until that file is corrected or removed"},
		{"gone, and one that cannot be read was there before", []string{"x/headway.yaml=!InvalidSpec"}, []*v1alpha1.App{shop}, s + " x/headway.yaml",
			"shop goes: its headway.yaml is gone from main"},
		{"still gone, and the new one still cannot be read", []string{"x/headway.yaml=!InvalidSpec"}, []*v1alpha1.App{shop}, "x/headway.yaml",
			"shop stays: FileMissing: s/headway.yaml is gone from main, and this app may have moved to a file that cannot be read: x/headway.yaml. It serves on until that file is corrected or removed"},
		{"gone, and one that cannot be read has another name", []string{"x/headway.yaml=?web!InvalidSpec"}, []*v1alpha1.App{shop}, s,
			"shop goes: its headway.yaml is gone from main"},
		{"gone, and one that cannot be read is another App's", []string{"x/headway.yaml=!InvalidSpec"}, []*v1alpha1.App{shop, runs("web", "x/headway.yaml", "True", "Live")}, s,
			"shop goes: its headway.yaml is gone from main\nweb stays: InvalidSpec: x.yaml:1:1: InvalidSpec"},
		{"moved and broken, and the name can be told", []string{"x/headway.yaml=?shop!InvalidSpec"}, []*v1alpha1.App{shop}, s,
			"shop stays: InvalidSpec: x.yaml:1:1: InvalidSpec"},
		{"a broken copy elsewhere", []string{s + "=shop:k", "x/headway.yaml=?shop!InvalidSpec"}, []*v1alpha1.App{shop}, s, ""},
		{"gone, and a model with placeholders is new", []string{"x/headway.yaml={{"}, []*v1alpha1.App{shop}, s,
			"shop goes: its headway.yaml is gone from main"},
		{"the file has placeholders now", []string{s + "={{"}, []*v1alpha1.App{shop}, s,
			"shop stays: InvalidSpec: x.yaml:1:1: {{"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := Facts{Repository: "repo", ProductionRef: main, Production: snap("b2", test.files...), Apps: apps(test.apps...), Read: map[string]bool{}}
			for _, file := range strings.Fields(test.read) {
				f.Read[file] = true
			}
			for _, a := range test.apps {
				f.Revisions = append(f.Revisions, revision(a.Name+"-a1a1a1a1", a.Name, "a1", "k"))
			}
			p := Make(f)
			var got []string
			for _, a := range p.Apps {
				if a.Spec.Problem != nil {
					got = append(got, fmt.Sprintf("%s stays: %s: %s", a.Name, a.Spec.Problem.Reason, a.Spec.Problem.Message))
				}
			}
			for _, r := range p.Remove {
				got = append(got, fmt.Sprintf("%s goes: %s", r.App, r.Why))
			}
			if diff := cmp.Diff(test.want, strings.Join(sortedLines(got), "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTemplatesAreNamed(t *testing.T) {
	f := Facts{Repository: "repo", ProductionRef: main, Production: snap("b2", "shop:k1", "x/headway.yaml={{")}
	want := "app shop main@b2=shop-b2b2b2b2 history=shop-b2b2b2b2\n  make shop-b2b2b2b2 from main@b2\nskip x/headway.yaml\n"
	if diff := cmp.Diff(want, show(Make(f))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func sortedLines(lines []string) []string {
	slices.Sort(lines)
	return lines
}
