//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/worktree"
	"github.com/headway-dev/headway/test/localcluster"
)

// forge is a team's repository on Gitea, whose owner is a user of the team alone.
type forge struct {
	*repository
	admin, owner *localcluster.Gitea
	// name is "owner/name".
	name string
}

// forgeSecret is the Secret with the owner's token.
const forgeSecret = "gitea"

// cloneToGitea is clone, to a new repository on Gitea.
func (tm *team) cloneToGitea(example string) *forge {
	tm.Helper()
	return tm.cloneToGiteaFrom(filepath.Join(root, "examples", example))
}

func (tm *team) cloneToGiteaFrom(folder string) *forge {
	tm.Helper()
	admin, err := cluster.Gitea()
	if err != nil {
		tm.Fatal(err)
	}
	f := &forge{admin: admin, name: tm.namespace + "/" + repositoryName}
	f.owner = tm.newUser(admin, tm.namespace)
	tm.call(f.owner, http.MethodPost, "user/repos", map[string]any{"name": repositoryName, "default_branch": mainBranch}, nil)
	tree, err := worktree.New(tm.Context(), tm.TempDir(), folder, f.owner.Remote(f.name))
	if err != nil {
		tm.Fatal(err)
	}
	f.repository = &repository{tm, tree}
	tm.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: forgeSecret},
		StringData: map[string]string{"token": f.owner.Token},
	})
	return f
}

func (tm *team) newUser(admin *localcluster.Gitea, name string) *localcluster.Gitea {
	tm.Helper()
	user, err := admin.NewUser(tm.Context(), name)
	if err != nil {
		tm.Fatal(err)
	}
	return user
}

// call asks Gitea's API as a user.
func (tm *team) call(user *localcluster.Gitea, method, path string, in, out any) {
	tm.Helper()
	if err := user.Call(tm.Context(), method, path, in, out); err != nil {
		tm.Fatal(err)
	}
}

// path is one of the API, below the repository.
func (f *forge) path(format string, arguments ...any) string {
	return "repos/" + f.name + "/" + fmt.Sprintf(format, arguments...)
}

// watchForge tells Headway of the repository, and the forge of Headway.
func (f *forge) watchForge() {
	f.Helper()
	f.call(f.owner, http.MethodPost, f.path("hooks"), map[string]any{
		"type": "gitea", "active": true, "config": map[string]string{"url": layout.WebhookURL, "content_type": "json"},
		"events": []string{"push", "create", "delete", "pull_request", "issue_comment"},
	}, nil)
	f.watchForgeUnhinted()
}

// watchForgeUnhinted tells Headway of the repository; no webhook tells of changes.
func (f *forge) watchForgeUnhinted() {
	f.Helper()
	f.watchAs(v1alpha1.RepositorySpec{
		URL: f.tree.URL, SecretRef: &corev1.LocalObjectReference{Name: forgeSecret}, Forge: &v1alpha1.Forge{},
	})
}

// open opens a request of a branch into main; the head of another user's fork is
// "user:branch".
func (f *forge) open(user *localcluster.Gitea, head, title string) (number int64) {
	f.Helper()
	var request struct {
		Number int64 `json:"number"`
	}
	f.call(user, http.MethodPost, f.path("pulls"), map[string]any{"head": head, "base": mainBranch, "title": title}, &request)
	f.Logf("opened #%d: %s", request.Number, title)
	return request.Number
}

// setState closes a request, or opens it again.
func (f *forge) setState(number int64, state string) {
	f.Helper()
	f.call(f.owner, http.MethodPatch, f.path("pulls/%d", number), map[string]any{"state": state}, nil)
	f.Logf("#%d is %s", number, state)
}

// merge merges a request, and returns the new head of main.
func (f *forge) merge(number int64, style string) string {
	f.Helper()
	if err := f.owner.Merge(f.Context(), f.name, number, style); err != nil {
		f.Fatal(err)
	}
	f.git("checkout", "--quiet", mainBranch)
	f.git("pull", "--quiet", "--ff-only", "origin", mainBranch)
	commit := f.git("rev-parse", "HEAD")
	f.Logf("merged #%d by %s: %s", number, style, commit[:8])
	return commit
}

// say writes a comment.
func (f *forge) say(user *localcluster.Gitea, number int64, text string) {
	f.Helper()
	f.call(user, http.MethodPost, f.path("issues/%d/comments", number), map[string]any{"body": text}, nil)
}

// approve approves a commit by a review.
func (f *forge) approve(user *localcluster.Gitea, number int64, commit string) {
	f.Helper()
	f.call(user, http.MethodPost, f.path("pulls/%d/reviews", number), map[string]any{"event": "APPROVED", "commit_id": commit, "body": "fine"}, nil)
}

// comments are the bodies of those that Headway has written.
func (f *forge) comments(number int64) (bodies []string) {
	f.Helper()
	var all []struct {
		Body string `json:"body"`
	}
	f.call(f.owner, http.MethodGet, f.path("issues/%d/comments", number), nil, &all)
	for _, comment := range all {
		if strings.HasPrefix(comment.Body, "<!-- headway:") {
			bodies = append(bodies, comment.Body)
		}
	}
	return bodies
}

// commitStatus is what the forge shows beside a commit.
type commitStatus struct {
	Context     string `json:"context"`
	State       string `json:"status"`
	Description string `json:"description"`
	URL         string `json:"target_url"`
}

// statuses are the newest of each context.
func (f *forge) statuses(commit string) map[string]commitStatus {
	f.Helper()
	var combined struct {
		Statuses []commitStatus `json:"statuses"`
	}
	f.call(f.owner, http.MethodGet, f.path("commits/%s/status", commit), nil, &combined)
	found := map[string]commitStatus{}
	for _, status := range combined.Statuses {
		found[status.Context] = status
	}
	return found
}
