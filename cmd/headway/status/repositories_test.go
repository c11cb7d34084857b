package status

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"
)

func repository(name string, c ...metav1.Condition) *v1alpha1.Repository {
	return &v1alpha1.Repository{
		ObjectMeta: named("default", name, ago(time.Hour)),
		Spec:       v1alpha1.RepositorySpec{URL: "https://git.example.com/" + name + ".git", ProductionBranch: "main"},
		Status:     v1alpha1.RepositoryStatus{Commit: "1a2b3c4d5e6f", AppCount: 2, Conditions: c},
	}
}

// listed is what repo list prints of these repositories.
func listed(t *testing.T, f cli.Output, repositories ...*v1alpha1.Repository) (out, err string) {
	t.Helper()
	b := fake.NewClientBuilder().WithScheme(cli.Scheme())
	for _, r := range repositories {
		b.WithObjects(r)
	}
	var o, e bytes.Buffer
	if err := printRepositories(context.Background(), cli.Streams{Out: &o, Err: &e}, f, &cli.Cluster{Client: b.Build(), Namespace: "default"}, noon); err != nil {
		t.Fatal(err)
	}
	return o.String(), e.String()
}

func TestRepoList(t *testing.T) {
	synced := condition("Ready", "True", v1alpha1.ReasonSynced, "synced main at 1a2b3c4d")
	valid := condition("SpecValid", "True", v1alpha1.ReasonValid, "every headway.yaml can be used")
	invalid := condition("SpecValid", "False", v1alpha1.ReasonInvalidSpec, "shop/headway.yaml:2:1: unknown key \"prot\"")
	forged := func(name string, c ...metav1.Condition) *v1alpha1.Repository {
		r := repository(name, append(c, synced, valid)...)
		r.Spec.Forge = &v1alpha1.Forge{}
		return r
	}
	out, _ := listed(t, "",
		forged("asked", condition("Forge", "True", v1alpha1.ReasonConnected, "")),
		forged("away", condition("Forge", "False", v1alpha1.ReasonUnreachable, "git.example.com does not answer; previews stay as they are")),
		forged("unasked"),
		repository("broken", synced, invalid),
		repository("closed", condition("Ready", "False", v1alpha1.ReasonAuthenticationFailed, "the remote refuses the credentials"), invalid),
		repository("fine", synced, valid),
		repository("many", synced, valid, condition("Complete", "False", v1alpha1.ReasonTooManyRefs, "spec.refs and rules of release match 102 branches and tags; the newest 100 are followed")),
		repository("new"))
	golden(t, "repo_list.golden", out)

	out, _ = listed(t, "", repository("fine", synced, valid))
	golden(t, "repo_list_fine.golden", out)
}

// TestRepoListDocument checks what scripts rely on: one list, never null,
// with kinds, and nothing else on either stream.
func TestRepoListDocument(t *testing.T) {
	for f, parse := range map[cli.Output]func([]byte, any) error{
		"json": json.Unmarshal,
		"yaml": func(data []byte, v any) error { return yaml.UnmarshalStrict(data, v) },
	} {
		out, notes := listed(t, f, repository("shop"))
		var got struct{ Repositories []v1alpha1.Repository }
		if err := parse([]byte(out), &got); err != nil || notes != "" {
			t.Fatalf("%s: %v, notes %q", f, err, notes)
		}
		if len(got.Repositories) != 1 || got.Repositories[0].Kind != "Repository" || got.Repositories[0].Name != "shop" {
			t.Errorf("%s: got %+v", f, got)
		}
	}
	if out, notes := listed(t, "json"); out != "{\n  \"repositories\": []\n}\n" || notes != "" {
		t.Errorf("no repository: out %q, notes %q", out, notes)
	}
	if out, notes := listed(t, ""); out != "" || notes == "" {
		t.Errorf("no repository: out %q, notes %q", out, notes)
	}
}
