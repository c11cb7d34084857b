//go:build integration

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestPreviewOfABranch: a branch becomes a preview that the API server takes,
// whatever it is named, follows its pushes, and goes with it.
func TestPreviewOfABranch(t *testing.T) {
	w := newWatched(t)
	long := strings.Repeat("a", 30)
	w.git.CommitAndPush("Previews", map[string]string{
		"shop/headway.yaml": "name: shop\npath: shop\nenv: {KEY: secret://shop/key}\n" +
			"preview: {branches: ['**'], env: {DB: secret://shop-preview/url}, link: {OTHER: " + long + "}, setup: [./shop, migrate], teardown: [./shop, drop]}\n",
		long + "/headway.yaml": "name: " + long + "\npreview: {branches: ['**'], public: true}\n",
		long + "/main.go":      "package main\n\nfunc main() {}\n",
	})
	w.look()
	push := func(branch, text string) string {
		code := "package main // " + text + "\n\nfunc main() {}\n"
		commit := w.git.Commit("Try "+text, map[string]string{"shop/main.go": code, long + "/main.go": code,
			"shop/headway.yaml": "name: shop\npath: shop\nscale: {min: 3, max: 500}\nenv: {KEY: secret://shop/key, TEXT: " + text + "}\n"})
		w.git.Push("--force", "HEAD:refs/heads/"+branch)
		w.git.Git("reset", "--hard", "--quiet", "HEAD~1")
		w.look()
		return commit
	}
	branch := "feat/" + strings.Repeat("Ünï_long-", 8)
	one := push(branch, "one")
	repo, err := get(t, w.ns, "repo", &v1alpha1.Repository{})
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.Status.Requests) != 1 || len(repo.Status.Requests[0].Previews) != 2 || repo.Status.AppCount != 2 {
		t.Fatalf("requests %+v, %d apps, conditions %+v", repo.Status.Requests, repo.Status.AppCount, repo.Status.Conditions)
	}
	for _, name := range repo.Status.Requests[0].Previews {
		app, err := get(t, w.ns, name, &v1alpha1.App{})
		if err != nil {
			t.Fatal(err)
		}
		rev, err := get(t, w.ns, app.Spec.Heads[0].Revision, &v1alpha1.Revision{})
		if err != nil {
			t.Fatal(err)
		}
		if rev.Spec.Commit != one || rev.Spec.Preview == nil || rev.BuildApp() != app.Spec.Preview.App || rev.Spec.Scale.Min != 0 || rev.Spec.Scale.Max != 20 {
			t.Errorf("revision %+v", rev.Spec)
		}
		if rev.Spec.App == "shop" && (len(rev.Spec.Env) != 3 || app.Spec.Preview.Unset[0] != "KEY") {
			t.Errorf("variables %+v, without %v", rev.Spec.Env, app.Spec.Preview.Unset)
		}
		if app.Spec.Preview.Expires == nil || !strings.HasPrefix(app.Spec.Preview.Host, name) {
			t.Errorf("preview %+v", app.Spec.Preview)
		}
	}

	previews := repo.Status.Requests[0].Previews
	two := push(branch, "two")
	for _, name := range previews {
		if app, err := get(t, w.ns, name, &v1alpha1.App{}); err != nil || app.Spec.Heads[0].Commit != two || len(app.Spec.History) != 2 {
			t.Errorf("after a push: %v, %+v", err, app)
		}
	}
	w.git.Push(":refs/heads/" + branch)
	w.look()
	for _, name := range previews {
		eventually(t, name+" is gone", func() error {
			_, err := get(t, w.ns, name, &v1alpha1.App{})
			switch {
			case apierrors.IsNotFound(err):
				return nil
			case err == nil:
				return errors.New("it is still there")
			}
			return err
		})
	}
	if repo, err := get(t, w.ns, "repo", &v1alpha1.Repository{}); err != nil || len(repo.Status.Requests) != 0 {
		t.Errorf("requests %+v: %v", repo.Status.Requests, err)
	}
}

// TestRequestStates: the API server takes each state of a request, as many as may
// be listed, with texts of the longest.
func TestRequestStates(t *testing.T) {
	ns := namespace(t)
	repo := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "repo"}, Spec: v1alpha1.RepositorySpec{URL: "https://git.example.com/shop.git", Suspend: true}}
	if err := api.Create(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	states := []v1alpha1.RequestState{v1alpha1.RequestPreviewed, v1alpha1.RequestUntouched, v1alpha1.RequestDraft, v1alpha1.RequestApproval,
		v1alpha1.RequestWaiting, v1alpha1.RequestExpired, v1alpha1.RequestInvalid, v1alpha1.RequestQueued}
	for n := range 200 {
		repo.Status.Requests = append(repo.Status.Requests, v1alpha1.RequestStatus{
			Number: int64(n), Ref: fmt.Sprintf("refs/pull/%d/head", n), Commit: strings.Repeat("a", 40), State: states[n%len(states)],
			Title: strings.Repeat("é", 256), Author: strings.Repeat("é", 120), URL: "https://" + strings.Repeat("x", 2000), Message: strings.Repeat("x", 1000), Pushed: metav1.Now()})
	}
	if err := api.Status().Update(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	repo.Status.Requests[0].State = "Other"
	if err := api.Status().Update(t.Context(), repo); !apierrors.IsInvalid(err) {
		t.Errorf("a state that there is not: %v", err)
	}
}
