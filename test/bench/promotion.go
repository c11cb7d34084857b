package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/worktree"
	"github.com/headway-dev/headway/test/localcluster"
)

const (
	// dyingApp answers as its variable DIE says.
	dyingApp = "test/e2e/testdata/dying"
	// canaryRate is the load on a canary, in requests a second.
	canaryRate = 200
	// badRounds of candidates that answer nothing but errors; rollbackRounds of
	// reverts under load.
	badRounds, rollbackRounds = 3, 5
)

// trialled is an app whose versions are put on trial.
type trialled struct {
	*bench
	tree *worktree.Tree
	name string
	// first revision's name.
	first string
}

// trialledApp pushes the first version of an app with rules.
func (b *bench) trialledApp(ctx context.Context, name, rules string) (*trialled, error) {
	tree, err := b.clone(ctx, dyingApp, "dying", name)
	if err != nil {
		return nil, err
	}
	a := &trialled{bench: b, tree: tree, name: name}
	if err := a.write(rules, ""); err != nil {
		return nil, err
	}
	a.first, err = b.pushNew(ctx, tree, name, "")
	return a, err
}

// write has the next version live by rules, and die in some way.
func (a *trialled) write(rules, die string) error {
	return a.tree.Write("headway.yaml", fmt.Sprintf("name: %s\nenv: {DIE: %q}\nhealth: {hold: 0s}\nrelease:\n  %s\n", a.name, die, rules))
}

// push makes the next version and returns its commit.
func (a *trialled) push(ctx context.Context, rules, die string) (string, error) {
	if err := a.write(rules, die); err != nil {
		return "", err
	}
	if err := a.tree.Commit(ctx, "Die "+die); err != nil {
		return "", err
	}
	return a.tree.Push(ctx)
}

func (a *trialled) url() string { return localcluster.URL(a.name, a.namespace) }

// revision is the name of a commit's.
func (a *trialled) revision(commit string) string { return a.name + "-" + v1alpha1.Short(commit) }

// until asks for the App until it is as wanted.
func (a *trialled) until(ctx context.Context, what string, is func(*v1alpha1.AppStatus) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var app v1alpha1.App
		if err := a.Kube.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: a.name}, &app); err == nil && is(&app.Status) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// weighs waits until a commit's revision has a weight.
func (a *trialled) weighs(ctx context.Context, commit string, weight int32) error {
	return a.until(ctx, fmt.Sprintf("%s has %s", v1alpha1.Short(commit), v1alpha1.Percent(weight)), func(s *v1alpha1.AppStatus) bool {
		role := s.Revision(a.revision(commit))
		return role != nil && role.Weight == weight
	})
}

// detection counts the bad answers that a candidate gives until it is at 0%.
func (b *bench) detection(ctx context.Context) ([]row, error) {
	rules := "main: {canary: {steps: [5], every: 1h}}"
	app, err := b.trialledApp(ctx, "detected", rules)
	if err != nil {
		return nil, err
	}
	var bad, lasted []float64
	for n := range badRounds {
		load := startAsking(ctx, app.url(), canaryRate)
		commit, err := app.push(ctx, rules, fmt.Sprintf("answering %d", 500+n))
		if err != nil {
			return nil, err
		}
		err = app.until(ctx, "it is quarantined", func(s *v1alpha1.AppStatus) bool {
			return s.Role(app.revision(commit)) == v1alpha1.RoleQuarantined
		})
		if err != nil {
			return nil, err
		}
		time.Sleep(time.Second) // what was under way comes to its end
		seen := load.finish()
		bad = append(bad, float64(seen.bad))
		lasted = append(lasted, milliseconds(seen.lastBad.Sub(seen.firstBad)))
		fmt.Fprintf(os.Stderr, "  %d bad answers of %d\n", seen.bad, seen.all)
	}
	worst := 0.0
	for _, n := range bad {
		worst = max(worst, n)
	}
	return []row{newRow("promotion.detect_100_bad", worst, map[string]any{
		"all": bad, "first to last ms": rounded(lasted), "requests/s": canaryRate, "weight": "5%",
	})}, nil
}

// rollbacks measures from the push of a revert until the version before answers,
// which still has its pods.
func (b *bench) rollbacks(ctx context.Context) ([]row, error) {
	app, err := b.trialledApp(ctx, "rolledback", "main: {instant: true}")
	if err != nil {
		return nil, err
	}
	var first v1alpha1.Revision
	if err := b.Kube.Get(ctx, client.ObjectKey{Namespace: b.namespace, Name: app.first}, &first); err != nil {
		return nil, fmt.Errorf("reading the first revision: %w", err)
	}
	var took []float64
	for n := range rollbackRounds {
		next, err := app.push(ctx, "main: {instant: true}", fmt.Sprintf("quietly never%d", n))
		if err != nil {
			return nil, err
		}
		if _, err := answers(ctx, app.url(), next); err != nil {
			return nil, err
		}
		if _, err := app.tree.Git(ctx, "revert", "--no-edit", "HEAD"); err != nil {
			return nil, err
		}
		begin := time.Now()
		if _, err := app.tree.Push(ctx); err != nil {
			return nil, err
		}
		back, err := answers(ctx, app.url(), first.Spec.Commit)
		if err != nil {
			return nil, err
		}
		took = append(took, milliseconds(back.Sub(begin)))
		fmt.Fprintf(os.Stderr, "  back after %.0f ms\n", took[n])
	}
	return []row{newRow("promotion.rollback_ms", median(took), map[string]any{"all": rounded(took)})}, nil
}
