package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/worktree"
	"github.com/headway-dev/headway/test/localcluster"
)

// rounds of each kind of push; the rows are medians.
const (
	coldRounds, warmRounds, builtRounds = 3, 5, 5
	greeting                            = "Hello from Headway!"
)

// pushes measures push -> URL of a small Go app with an empty build cache, with
// a warm one, and of trees that were built before.
func (b *bench) pushes(ctx context.Context) ([]row, error) {
	var cold, warm, built []way
	var tree *worktree.Tree
	var app string
	for n := range coldRounds {
		app = fmt.Sprintf("cold%d", n)
		var err error
		if tree, err = b.clone(ctx, helloApp, "hello", app); err != nil {
			return nil, err
		}
		// The repository is known before, as in a team's daily life.
		if err := b.add(ctx, app, tree.URL, 0); err != nil {
			return nil, err
		}
		if err := tree.Commit(ctx, "First"); err != nil {
			return nil, err
		}
		if err := b.measure(ctx, &cold, tree, app, "cold"); err != nil {
			return nil, err
		}
	}
	text := greeting
	for n := range warmRounds {
		next := fmt.Sprintf("%s (%d)", greeting, n)
		if err := tree.Edit("main.go", text, next); err != nil {
			return nil, err
		}
		text = next
		if err := tree.Commit(ctx, "Greet otherwise"); err != nil {
			return nil, err
		}
		if err := b.measure(ctx, &warm, tree, app, "warm"); err != nil {
			return nil, err
		}
	}
	for n := range builtRounds {
		// Each revert takes the one before back, to a tree that was built. Where a
		// version of that tree has pods, it answers, and not the new commit.
		if _, err := tree.Git(ctx, "revert", "--no-edit", "HEAD"); err != nil {
			return nil, err
		}
		text := fmt.Sprintf("%s (%d)", greeting, warmRounds-2+n%2)
		if err := b.measureUntil(ctx, &built, tree, app, "built tree", text); err != nil {
			return nil, err
		}
	}
	b.small = app
	return []row{
		pushRow("push.to_url_cold_s", cold),
		pushRow("push.to_url_warm_s", warm),
		pushRow("push.built_tree_to_url_s", built),
	}, nil
}

// measure pushes the head and adds how long it took, from the start of `git push`
// until the URL answered with its commit.
func (b *bench) measure(ctx context.Context, to *[]way, tree *worktree.Tree, app, kind string) error {
	return b.measureUntil(ctx, to, tree, app, kind, "")
}

// measureUntil is measure until the URL answers with a text; empty: the commit.
func (b *bench) measureUntil(ctx context.Context, to *[]way, tree *worktree.Tree, app, kind, text string) error {
	begin := time.Now()
	commit, err := tree.Push(ctx)
	if err != nil {
		return err
	}
	live, err := answers(ctx, localcluster.URL(app, b.namespace), cmp.Or(text, commit))
	if err != nil {
		return err
	}
	revision := app + "-" + commit[:8]
	// The watch may be a moment behind the URL.
	for _, event := range []string{eventImage, eventReady} {
		if _, err := b.seen.wait(ctx, revision, event); err != nil {
			return err
		}
	}
	p := way{live.Sub(begin), parts(begin, live, b.seen.of(revision), b.seen.built(revision))}
	fmt.Fprintf(os.Stderr, "  %s push: %.2f s\n", kind, p.took.Seconds())
	*to = append(*to, p)
	return nil
}

// answers asks every 10 ms until the URL answers with the text.
func answers(ctx context.Context, url, text string) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var last localcluster.Answer
	for {
		got, err := localcluster.Fetch(ctx, web, url)
		if err == nil && got.Status == 200 && strings.Contains(got.Body, text) {
			return time.Now(), nil
		}
		if err == nil {
			last = got
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%s does not answer with %s, last with %d %.200q: %w", url, text, last.Status, last.Body, ctx.Err())
		case <-tick.C:
		}
	}
}

// parts cuts the way of a push at what was seen of it. What was not seen, such
// as the run of a tree that was built before, is no cut.
func parts(begin, live time.Time, events map[string]time.Time, steps []step) []part {
	cut := cutter{last: begin}
	cut.untilSeen("watch+fetch", events, eventRevision) // git push included
	cut.untilSeen("run", events, eventRun)
	running := "pod" // what runs until the next step begins
	for _, s := range steps {
		cut.until(running, s.at)
		running = s.name
	}
	cut.untilSeen(running, events, eventRunEnd)
	cut.untilSeen("image", events, eventImage)
	cut.untilSeen("deploy", events, eventReady)
	cut.until("route", live)
	return cut.parts
}

// pushRow is the median of whole pushes beside the medians of their parts.
func pushRow(name string, all []way) row {
	totals, parts := figures(all, seconds)
	return newRow(name, median(totals), map[string]any{"parts": parts, "all": rounded(totals)})
}
