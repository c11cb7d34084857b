//go:build e2e

package e2e

import (
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/worktree"
)

// repository is a team's work tree, and the repository it is pushed to.
type repository struct {
	*team
	tree *worktree.Tree
}

// repositoryName is what every team calls its one repository.
const repositoryName = "code"

// clone is a new repository with exactly the files of an example. Nothing is
// pushed yet.
func (tm *team) clone(example string) *repository {
	tm.Helper()
	return tm.cloneFrom(filepath.Join(root, "examples", example))
}

func (tm *team) cloneFrom(folder string) *repository {
	tm.Helper()
	tree, err := cluster.NewWorkTree(tm.Context(), tm.TempDir(), tm.namespace+"/"+repositoryName, folder)
	if err != nil {
		tm.Fatal(err)
	}
	return &repository{tm, tree}
}

func (r *repository) git(arguments ...string) string {
	r.Helper()
	out, err := r.tree.Git(r.Context(), arguments...)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

// write replaces a file.
func (r *repository) write(path, text string) {
	r.Helper()
	if err := r.tree.Write(path, text); err != nil {
		r.Fatal(err)
	}
}

// edit replaces the one place in a file that reads before.
func (r *repository) edit(path, before, after string) {
	r.Helper()
	if err := r.tree.Edit(path, before, after); err != nil {
		r.Fatal(err)
	}
}

// push commits everything and pushes the branch; it returns the full commit.
func (r *repository) push(subject string) string {
	r.Helper()
	if err := r.tree.Commit(r.Context(), subject); err != nil {
		r.Fatal(err)
	}
	return r.pushHead()
}

// revert pushes the commit that takes the last one back.
func (r *repository) revert() string {
	r.Helper()
	r.git("revert", "--no-edit", "HEAD")
	return r.pushHead()
}

// pushHead pushes the branch as it is.
func (r *repository) pushHead() string {
	r.Helper()
	commit, err := r.tree.Push(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	r.Logf("pushed %s: %s", commit[:8], r.git("log", "-1", "--format=%s"))
	return commit
}

// watch tells Headway of the repository, and of further branches to build.
func (r *repository) watch(refs ...string) {
	r.Helper()
	r.watchAs(v1alpha1.RepositorySpec{URL: r.tree.URL, Refs: refs})
}

// watchAs tells Headway of the repository with settings of its own.
func (r *repository) watchAs(spec v1alpha1.RepositorySpec) {
	r.Helper()
	if spec.SecretRef == nil {
		spec.SecretRef = &corev1.LocalObjectReference{Name: secretName}
	}
	r.create(&v1alpha1.Repository{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: repositoryName},
		Spec:       spec,
	})
}

// status reads what Headway says of the repository.
func (r *repository) status() (v1alpha1.RepositoryStatus, error) {
	seen := &v1alpha1.Repository{}
	err := r.get(repositoryName, seen)
	return seen.Status, err
}
