//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// TestBranch: a further branch has a URL of its own and no traffic; with the
// branch goes all that it had.
func TestBranch(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	code.write(page, "production\n")
	main := code.push("Production")
	code.watch("feature/*")
	tm.waitLive("static", main)

	code.git("checkout", "--quiet", "-b", "feature/door")
	code.write(page, "feature\n")
	feature := code.push("Feature")
	var revision *v1alpha1.Revision
	eventually(t, built, "the branch answers on a URL of its own", func() (err error) {
		if revision, err = tm.revision("static", feature); err != nil {
			return err
		}
		if revision.Status.URL == "" {
			return fmt.Errorf("no URL yet")
		}
		return tm.answers(revision.Status.URL, http.StatusOK, "feature")
	})
	tm.waitLive("static", main)
	tm.wantAnswer(tm.url("static"), "production")

	code.git("push", "--quiet", "origin", "--delete", "feature/door")
	eventually(t, cleanedUp, "nothing is left of the branch", func() error {
		app, err := tm.app("static")
		if err != nil {
			return err
		}
		if len(app.Spec.Heads) != 1 {
			return fmt.Errorf("the heads are %v", app.Spec.Heads)
		}
		if err := tm.gone(revision.Name); err != nil {
			return err
		}
		if err := want("the number of Tekton runs", len(tm.runs("static")), 1); err != nil {
			return err
		}
		return tm.answers(revision.Status.URL, http.StatusNotFound, "")
	})
	tm.wantAnswer(tm.url("static"), "production")
}

// TestOldRevisionsGo: the last three stay ready beside the live one, older ones
// go; a pin brings one back out of the registry, without a build.
func TestOldRevisionsGo(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	// The one that served before the pushes is kept until the last one has settled.
	settings := "name: static\nhealth: {settle: 10s}\n"
	code.write("headway.yaml", settings)
	code.watch()
	var commits []string
	for n := range 5 {
		code.write(page, fmt.Sprintf("page %d\n", n))
		commits = append(commits, code.push(fmt.Sprintf("Page %d", n)))
		tm.waitLive("static", commits[n])
	}
	oldest := revisionName("static", commits[0])
	eventually(t, cleanedUp, "the oldest revision goes, with its run", func() error {
		if err := tm.gone(oldest); err != nil {
			return err
		}
		return want("the number of Tekton runs", len(tm.runs("static")), 4)
	})
	for n, commit := range commits[1:] {
		tm.wantAnswer(tm.mustRevision("static", commit).Status.URL, fmt.Sprintf("page %d", n+1))
	}

	code.write("headway.yaml", settings+"pin: "+commits[0]+"\n")
	code.push("Back to the oldest")
	tm.waitLive("static", commits[0])
	tm.wantAnswer(tm.url("static"), "page 0")
	tm.wantRuns("static", 4)
}

// TestRepositoryDeleted: a deleted Repository takes everything along.
func TestRepositoryDeleted(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("hello")
	commit := code.push("First")
	code.watch()
	tm.waitLive("hello", commit)
	if left := tm.left(); len(left) < 6 {
		t.Fatalf("a live app has only %v", left)
	}
	cache := code.cacheFolder()
	if len(folders(t, cache)) != 1 {
		t.Fatalf("no git cache at %s", cache)
	}
	builds := code.buildCacheFolder()
	if len(folders(t, builds)) != 1 {
		t.Fatalf("no build cache at %s", builds)
	}

	tm.headway("repo", "remove", repositoryName, "--yes")
	eventually(t, cleanedUp, "nothing is left of the repository", func() error {
		if left := tm.left(); len(left) > 0 {
			return fmt.Errorf("left: %s", strings.Join(left, ", "))
		}
		if left := folders(t, cache); len(left) > 0 {
			return fmt.Errorf("left: git cache %v", left)
		}
		if left := folders(t, builds); len(left) > 0 {
			return fmt.Errorf("left: build cache %v", left)
		}
		return tm.answers(tm.url("hello"), http.StatusNotFound, "")
	})
}

// gone is an error while a revision or its Deployment is there.
func (tm *team) gone(revision string) error {
	for _, object := range []client.Object{&v1alpha1.Revision{}, &appsv1.Deployment{}} {
		err := tm.get(revision, object)
		if err == nil {
			return fmt.Errorf("%T %s is still there", object, revision)
		}
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// cacheFolder is where the watcher, a pod on this machine, keeps its copy of
// the repository: a pattern, as the pod's name is not known.
func (r *repository) cacheFolder() string {
	r.Helper()
	places, err := layout.New()
	if err != nil {
		r.Fatal(err)
	}
	seen := &v1alpha1.Repository{}
	if err := r.get(repositoryName, seen); err != nil {
		r.Fatal(err)
	}
	return places.State("kubelet", "pods", "*", "volumes", "kubernetes.io~empty-dir", "data", "git", string(seen.UID))
}

// buildCacheFolder is the repository's folder on the volume of build caches.
func (r *repository) buildCacheFolder() string {
	r.Helper()
	places, err := layout.New()
	if err != nil {
		r.Fatal(err)
	}
	return filepath.Join(places.Root, "buildcache", r.namespace, repositoryName)
}

func folders(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// left names everything of the team that Headway has made.
func (tm *team) left() []string {
	tm.Helper()
	var names []string
	in := client.InNamespace(tm.namespace)
	managed := client.HasLabels{v1alpha1.LabelApp}
	for _, query := range []struct {
		list  client.ObjectList
		where []client.ListOption
	}{
		{&v1alpha1.RepositoryList{}, []client.ListOption{in}},
		{&v1alpha1.AppList{}, []client.ListOption{in}},
		{&v1alpha1.RevisionList{}, []client.ListOption{in}},
		{&v1alpha1.RouteList{}, []client.ListOption{in}},
		{&appsv1.DeploymentList{}, []client.ListOption{in}},
		{&corev1.PodList{}, []client.ListOption{in, managed}},
		{&corev1.PodList{}, []client.ListOption{client.InNamespace(localcluster.BuildNamespace), client.MatchingLabels{v1alpha1.LabelNamespace: tm.namespace}}},
	} {
		if err := kube.List(tm.Context(), query.list, query.where...); err != nil {
			tm.Fatalf("listing: %v", err)
		}
		names = append(names, namesOf(tm, query.list)...)
	}
	for _, run := range tm.runs("") {
		names = append(names, "TaskRun "+run.GetName())
	}
	slices.Sort(names)
	return names
}
