//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// usesWords is a program that answers with what a private module says; %s is the
// module's path.
const usesWords = `package main

import (
	"fmt"
	"net/http"
	"os"

	words %q
)

func main() {
	_ = http.ListenAndServe(":"+os.Getenv("PORT"), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, words.Hello)
	}))
}
`

// TestPrivateModule: a build without credentials says what to write; with them
// one step of it fetches the module, and nothing else sees them.
func TestPrivateModule(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	module, sums := tm.publishWords()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"headway.yaml": "name: shop\nbuild: {with: go}\n",
		"go.mod":       "module example.com/shop\n\ngo 1.24\n\nrequire " + module + " v1.0.0\n",
		"go.sum":       sums,
		"main.go":      fmt.Sprintf(usesWords, module),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	code := tm.cloneFrom(folder)
	refused := code.push("First")
	code.watch()
	eventually(t, built, "the build says what it lacks", func() error {
		revision, err := tm.revision("shop", refused)
		if err != nil {
			return err
		}
		if err := condition(revision.Status.Conditions, v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonBuildFailed); err != nil {
			return err
		}
		if said := message(revision.Status.Conditions, v1alpha1.ConditionBuilt); !strings.Contains(said, module) || !strings.Contains(said, "spec.modules of the Repository") {
			return fmt.Errorf("it says %q", said)
		}
		return nil
	})

	repository := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: repositoryName}}
	patch := fmt.Sprintf(`{"spec":{"modules":{"private":["git.headway.local/%s"],"secretRef":{"name":%q}}}}`, tm.namespace, secretName)
	if err := kube.Patch(t.Context(), repository, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Fatal(err)
	}
	code.write("README.txt", "second\n")
	commit := code.push("Second")
	tm.waitLive("shop", commit)
	tm.wantAnswer(tm.url("shop"), "hello from a private module")
	tm.wantModulesKept(commit)
}

// publishWords pushes a module to the git server, and returns its path and what
// go.sum says of it.
func (tm *team) publishWords() (path, sums string) {
	tm.Helper()
	path = "git.headway.local/" + tm.namespace + "/words.git"
	files := map[string]string{
		"go.mod":   "module " + path + "\n\ngo 1.24\n",
		"words.go": "package words\n\nconst Hello = \"hello from a private module\"\n",
	}
	tree, err := cluster.NewWorkTree(tm.Context(), tm.TempDir(), tm.namespace+"/words", tm.TempDir())
	if err != nil {
		tm.Fatal(err)
	}
	words := &repository{tm, tree}
	for name, content := range files {
		words.write(name, content)
	}
	words.push("Words")
	words.git("tag", "v1.0.0")
	words.git("push", "--quiet", "origin", "v1.0.0")
	hash := func(prefix string, names ...string) string {
		sum, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(files[strings.TrimPrefix(name, prefix)])), nil
		})
		if err != nil {
			tm.Fatal(err)
		}
		return sum
	}
	prefix := path + "@v1.0.0/"
	return path, fmt.Sprintf("%s v1.0.0 %s\n%[1]s v1.0.0/go.mod %[3]s\n", path, hash(prefix, prefix+"go.mod", prefix+"words.go"), hash("", "go.mod"))
}

// wantModulesKept fails unless one step of the build alone had the credentials,
// and they are gone.
func (tm *team) wantModulesKept(commit string) {
	tm.Helper()
	team := client.MatchingLabels{v1alpha1.LabelNamespace: tm.namespace, v1alpha1.LabelRevision: revisionName("shop", commit)}
	var pods corev1.PodList
	if err := kube.List(tm.Context(), &pods, client.InNamespace(localcluster.BuildNamespace), team); err != nil || len(pods.Items) != 1 {
		tm.Fatalf("the build has %d pods, want 1 (%v)", len(pods.Items), err)
	}
	pod := pods.Items[0]
	secrets := map[string]bool{}
	for _, volume := range pod.Spec.Volumes {
		secrets[volume.Name] = volume.Secret != nil
	}
	var seers []string
	for _, container := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		for _, mount := range container.VolumeMounts {
			if secrets[mount.Name] {
				seers = append(seers, container.Name)
			}
		}
	}
	if got := strings.Join(seers, " "); got != "step-modules" {
		tm.Errorf("containers that see a Secret: %q", got)
	}
	var left corev1.SecretList
	if err := kube.List(tm.Context(), &left, client.InNamespace(localcluster.BuildNamespace), team); err != nil || len(left.Items) != 0 {
		tm.Errorf("%d Secrets left in the build namespace, %v", len(left.Items), err)
	}
}
