package main

import (
	"context"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/worktree"
	"github.com/headway-dev/headway/test/localcluster"
)

const (
	// previewRounds are requests that are opened, merged and closed.
	previewRounds = 5
	// openPreviews are open at the same time, and asked for nothing.
	openPreviews = 100
	// calm is how long the previews have slept when the memory is looked at.
	calm = 20 * time.Second
)

// previewedApp is an app whose branches below feat/ have previews, by their names
// alone. Their hosts are public ones, so that the bench knows them.
type previewedApp struct {
	*bench
	tree *worktree.Tree
	name string
}

// previews measures the life of a request: a branch with a new tree until its
// preview answers, its merge until production answers with its commit, a branch
// with a tree that was built before, and its end until nothing of it is left. The
// git server tells of each push.
func (b *bench) previews(ctx context.Context) ([]row, error) {
	tree, err := b.clone(ctx, helloApp, "hello", "previewed")
	if err != nil {
		return nil, err
	}
	a := &previewedApp{b, tree, "previewed"}
	err = tree.Write("headway.yaml", "name: previewed\nhealth: {path: /healthz}\npreview: {branches: [\"feat/**\"], public: true}\n")
	if err != nil {
		return nil, err
	}
	if _, err := b.pushNew(ctx, tree, a.name, greeting); err != nil {
		return nil, err
	}
	var opened, merged, same, gone []float64
	text := greeting
	for n := range previewRounds {
		next := fmt.Sprintf("%s (%d)", greeting, n)
		if err := tree.Edit("main.go", text, next); err != nil {
			return nil, err
		}
		text = next
		if err := tree.Commit(ctx, "Greet otherwise"); err != nil {
			return nil, err
		}
		took, err := a.open(ctx, fmt.Sprint("new", n))
		if err != nil {
			return nil, err
		}
		opened = append(opened, took)
		if took, err = a.merge(ctx); err != nil {
			return nil, err
		}
		merged = append(merged, took)
		if _, err := tree.Git(ctx, "switch", "--quiet", "--create", fmt.Sprint("back", n)); err != nil {
			return nil, err
		}
		if _, err := tree.Git(ctx, "revert", "--no-edit", "HEAD"); err != nil {
			return nil, err
		}
		if took, err = a.open(ctx, fmt.Sprint("back", n)); err != nil {
			return nil, err
		}
		same = append(same, took)
		if took, err = a.close(ctx, fmt.Sprint("back", n)); err != nil {
			return nil, err
		}
		gone = append(gone, took)
		if _, err := tree.Git(ctx, "switch", "--quiet", "main"); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "  opened %.2f s, merged %.2f s, opened with a built tree %.2f s, gone %.2f s\n", opened[n], merged[n], same[n], gone[n])
	}
	return []row{
		newRow("preview.open_to_url_s", median(opened), map[string]any{"all": rounded(opened)}),
		newRow("preview.same_tree_s", median(same), map[string]any{"all": rounded(same)}),
		newRow("preview.close_to_gone_s", median(gone), map[string]any{"all": rounded(gone)}),
		newRow("preview.merge_to_live_s", median(merged), map[string]any{"all": rounded(merged)}),
	}, nil
}

// preview is the App of a branch below feat/.
func (a *previewedApp) preview(branch string) string { return a.name + "-br-feat-" + branch }

// open pushes the head to a branch, and returns after how many seconds its
// preview answered with that commit.
func (a *previewedApp) open(ctx context.Context, branch string) (float64, error) {
	commit, err := a.tree.Git(ctx, "rev-parse", "HEAD")
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	if _, err := a.tree.Git(ctx, "push", "--quiet", "origin", "HEAD:refs/heads/feat/"+branch); err != nil {
		return 0, err
	}
	at, err := answers(ctx, localcluster.URL(a.preview(branch), a.namespace), commit)
	return seconds(at.Sub(begin)), err
}

// merge moves the production branch to the head, whose preview was built, and
// returns after how many seconds production answered with it. A build is an error.
func (a *previewedApp) merge(ctx context.Context) (float64, error) {
	begin := time.Now()
	commit, err := a.tree.Push(ctx)
	if err != nil {
		return 0, err
	}
	at, err := answers(ctx, localcluster.URL(a.name, a.namespace), commit)
	if err != nil {
		return 0, err
	}
	revision := a.name + "-" + commit[:8]
	if _, err := a.seen.wait(ctx, revision, eventReady); err != nil {
		return 0, err
	}
	if _, built := a.seen.of(revision)[eventRun]; built {
		return 0, fmt.Errorf("%s was built, and not taken over from its preview", revision)
	}
	return seconds(at.Sub(begin)), nil
}

// close deletes a branch, and returns after how many seconds nothing of its
// preview was left: App, Route, Revisions and Deployments.
func (a *previewedApp) close(ctx context.Context, branch string) (float64, error) {
	of := []client.ListOption{client.InNamespace(a.namespace), client.MatchingLabels{v1alpha1.LabelApp: a.preview(branch)}}
	begin := time.Now()
	if _, err := a.tree.Git(ctx, "push", "--quiet", "origin", "--delete", "feat/"+branch); err != nil {
		return 0, err
	}
	var left int
	err := a.repeat(ctx, "nothing of "+a.preview(branch)+" is left", func() (bool, error) {
		var revisions v1alpha1.RevisionList
		var deployments appsv1.DeploymentList
		if err := a.Kube.List(ctx, &revisions, of...); err != nil {
			return false, err
		}
		if err := a.Kube.List(ctx, &deployments, of...); err != nil {
			return false, err
		}
		left = len(revisions.Items) + len(deployments.Items)
		for _, object := range []client.Object{&v1alpha1.App{}, &v1alpha1.Route{}} {
			err := a.Kube.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: a.preview(branch)}, object)
			if client.IgnoreNotFound(err) != nil {
				return false, err
			}
			if err == nil {
				left++
			}
		}
		return left == 0, nil
	})
	return seconds(time.Since(begin)), err
}

// repeat asks every 20 ms until something is so.
func (b *bench) repeat(ctx context.Context, what string, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := is(); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// idlePreviews compares the memory of Headway's programs, one of each, before a
// hundred previews are opened and when all of them have fallen asleep. The
// branches of one repository run an image that was built before.
func (b *bench) idlePreviews(ctx context.Context) ([]row, error) {
	image, err := b.builtImage(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := b.clone(ctx, helloApp, "hello", "crowd")
	if err != nil {
		return nil, err
	}
	file := func(n int) string {
		return fmt.Sprintf("name: crowd\nimage: %s\nscale: {idle: 1s}\nenv: {N: \"%d\"}\npreview: {branches: [\"feat/**\"], max: %d}\n", image, n, openPreviews)
	}
	if err := tree.Write("headway.yaml", file(0)); err != nil {
		return nil, err
	}
	if _, err := b.pushNew(ctx, tree, "crowd", greeting); err != nil {
		return nil, err
	}
	if err := pause(ctx, calm); err != nil {
		return nil, err
	}
	before, err := b.residents(ctx)
	if err != nil {
		return nil, err
	}
	for n := range openPreviews {
		if _, err := tree.Git(ctx, "switch", "--quiet", "--create", fmt.Sprintf("feat/%d", n), "main"); err != nil {
			return nil, err
		}
		if err := tree.Write("headway.yaml", file(n+1)); err != nil {
			return nil, err
		}
		if err := tree.Commit(ctx, fmt.Sprint("Be number ", n+1)); err != nil {
			return nil, err
		}
	}
	if _, err := tree.Git(ctx, "push", "--quiet", "origin", "refs/heads/feat/*"); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := b.repeat(ctx, fmt.Sprintf("%d previews were live, and sleep", openPreviews), func() (bool, error) { return b.allAsleep(ctx, "crowd") }); err != nil {
		return nil, err
	}
	took := time.Since(begin)
	if err := pause(ctx, calm); err != nil {
		return nil, err
	}
	after, err := b.residents(ctx)
	if err != nil {
		return nil, err
	}
	return []row{newRow("preview.added_mib_100_open", after.oneOfEach()-before.oneOfEach(), map[string]any{
		"before": before.detail(), "after": after.detail(), "until all slept s": round(seconds(took)),
	})}, nil
}

// allAsleep reports whether all previews of an app have been live and have no pod.
func (b *bench) allAsleep(ctx context.Context, app string) (bool, error) {
	var apps v1alpha1.AppList
	if err := b.Kube.List(ctx, &apps, client.InNamespace(b.namespace)); err != nil {
		return false, fmt.Errorf("listing the previews: %w", err)
	}
	live := map[string]bool{}
	for i := range apps.Items {
		if of := apps.Items[i].Spec.Preview; of != nil && of.App == app && apps.Items[i].Status.Live != "" {
			live[apps.Items[i].Name] = true
		}
	}
	if len(live) < openPreviews {
		return false, nil
	}
	var deployments appsv1.DeploymentList
	if err := b.Kube.List(ctx, &deployments, client.InNamespace(b.namespace)); err != nil {
		return false, fmt.Errorf("listing the Deployments of the previews: %w", err)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		if live[d.Labels[v1alpha1.LabelApp]] && (d.Spec.Replicas == nil || *d.Spec.Replicas > 0) {
			return false, nil
		}
	}
	return true, nil
}
