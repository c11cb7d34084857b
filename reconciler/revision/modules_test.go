package revision

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

// modulesBench has an app whose Repository names a Secret for private modules.
func modulesBench(t *testing.T, rev *v1alpha1.Revision, others ...client.Object) *bench {
	t.Helper()
	task := goTask()
	decode(task, `spec: {workspaces: [{name: modules, optional: true}],
		steps: [{name: modules, image: i, workspaces: [{name: modules}]}, {name: build, image: i}]}`)
	repository := &v1alpha1.Repository{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"},
		Spec: v1alpha1.RepositorySpec{Modules: &v1alpha1.PrivateModules{
			Private: []string{"git.example.com/acme/*"}, SecretRef: corev1.LocalObjectReference{Name: "go"},
		}},
	}
	return newBench(t, append(others, rev, newApp(head(rev)), task, repository)...)
}

func modulesSecret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "go"},
		Data:       map[string][]byte{"username": []byte("ci"), "password": []byte("secret\n"), "other": []byte("x")},
	}
}

// copies are the Secrets of the build namespace.
func (b *bench) copies() []corev1.Secret {
	b.t.Helper()
	var list corev1.SecretList
	if err := b.Client.List(b.t.Context(), &list, client.InNamespace("headway-builds")); err != nil {
		b.t.Fatal(err)
	}
	return list.Items
}

func (b *bench) run() *pipelines.TaskRun {
	b.t.Helper()
	var runs pipelines.TaskRunList
	if err := b.Client.List(b.t.Context(), &runs); err != nil || len(runs.Items) != 1 {
		b.t.Fatalf("%d runs, %v", len(runs.Items), err)
	}
	return &runs.Items[0]
}

// TestModulesSecretLivesWithTheRun: the credentials are there while a run needs
// them, also when the controller stopped before it gave them.
func TestModulesSecretLivesWithTheRun(t *testing.T) {
	rev := newRevision(commitA)
	b := modulesBench(t, rev, modulesSecret())
	b.built(rev)
	run := b.run()
	if !pipelines.UsesModules(run) || len(run.Spec.TaskSpec.Steps) != 2 {
		t.Errorf("the run has no step for modules: %+v", run.Spec)
	}
	for range 2 {
		copies := b.copies()
		if len(copies) != 1 || copies[0].Name != run.Name+"-modules" || copies[0].OwnerReferences[0].Name != run.Name {
			t.Fatalf("Secrets %+v", copies)
		}
		if diff := cmp.Diff(map[string][]byte{".netrc": []byte("machine git.example.com login ci password secret\n")}, copies[0].Data); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
		if err := b.Client.Delete(t.Context(), &copies[0]); err != nil {
			t.Fatal(err)
		}
		b.built(rev)
	}
	done(run)
	if err := b.Client.Update(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if _, built := b.built(rev); built.Reason != v1alpha1.ReasonBuildSucceeded || len(b.copies()) != 0 {
		t.Errorf("%s, Secrets left: %d", built.Reason, len(b.copies()))
	}
}

func TestModulesSecretIsMissing(t *testing.T) {
	rev := newRevision(commitA)
	b := modulesBench(t, rev)
	_, built := b.built(rev)
	want := `commit aaaaaaaa: spec.modules of Repository shop names the Secret "go", which is not in namespace team; create it with the keys username and password`
	if built.Reason != v1alpha1.ReasonSecretInvalid || built.Message != want || len(b.runNames()) != 0 {
		t.Errorf("%s: %s; runs %v", built.Reason, built.Message, b.runNames())
	}
	if result, err := b.reconcile(rev); err != nil || result.RequeueAfter != secretAgain {
		t.Errorf("again in %v, %v", result.RequeueAfter, err)
	}
	if err := b.Client.Create(t.Context(), modulesSecret()); err != nil {
		t.Fatal(err)
	}
	if _, built := b.built(rev); built.Reason != v1alpha1.ReasonQueued || len(b.copies()) != 1 {
		t.Errorf("%s: %s; %d Secrets", built.Reason, built.Message, len(b.copies()))
	}
}

// TestForksGetNoModules: what anybody may push is built without credentials.
func TestForksGetNoModules(t *testing.T) {
	rev := newRevision(commitA, func(r *v1alpha1.Revision) { r.Spec.Ref = "refs/pull/7/head" })
	b := modulesBench(t, rev, modulesSecret())
	b.built(rev)
	if run := b.run(); pipelines.UsesModules(run) || len(run.Spec.TaskSpec.Steps) != 1 || len(b.copies()) != 0 {
		t.Errorf("a fork's build has credentials: %+v, %d Secrets", run.Spec, len(b.copies()))
	}
}

func TestNetrc(t *testing.T) {
	private := []string{"git.example.com/acme/*", "go.example.com", "git.example.com/tools"}
	for _, test := range []struct {
		name   string
		secret map[string]string
		want   string
	}{
		{"each host once", map[string]string{"username": "ci", "password": "p"}, "machine git.example.com login ci password p\nmachine go.example.com login ci password p\n"},
		{"as it is", map[string]string{".netrc": "machine x", "username": "ci", "password": "p"}, "machine x"},
		{"no password", map[string]string{"username": "ci"}, ""},
		{"a second line", map[string]string{"username": "ci", "password": "p\nmachine x"}, ""},
	} {
		data := map[string][]byte{}
		for key, value := range test.secret {
			data[key] = []byte(value)
		}
		if got := netrc(private, data); string(got) != test.want || strings.TrimSpace(test.want) == "" && got != nil {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
