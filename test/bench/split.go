package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strings"
)

const (
	// betaPercent of the requests of a split app go to its branch beta.
	betaPercent = 10
	// splitRequests are split to see how near their shares come to the weights.
	splitRequests = 20_000
	// splitRounds of the two apps behind an activator and behind nginx. A ratio of
	// four rates needs more of them than one of two.
	splitRounds = 9
)

// split counts who answers while a branch has a share, and compares what that
// costs an activator with what it costs nginx.
func (b *bench) split(ctx context.Context) ([]row, error) {
	if err := errors.Join(installed("wrk", "wrk"), installed("nginx", "nginx-light")); err != nil {
		return nil, err
	}
	rules := fmt.Sprintf("beta: {weight: %d}", betaPercent)
	app, err := b.trialledApp(ctx, "split", rules)
	if err != nil {
		return nil, err
	}
	whole, err := b.trialledApp(ctx, "whole", rules)
	if err != nil {
		return nil, err
	}
	beta, err := app.branch(ctx, "beta", rules)
	if err != nil {
		return nil, err
	}
	if err := app.weighs(ctx, beta, betaPercent*100); err != nil {
		return nil, err
	}
	of, err := countAnswers(ctx, app.url(), splitRequests)
	if err != nil {
		return nil, err
	}
	share := 100 * float64(of[beta]) / splitRequests
	headway, nginx, err := b.splitLoads(ctx, whole, app, beta)
	if err != nil {
		return nil, err
	}
	return []row{
		newRow("promotion.split_error_points", math.Abs(share-betaPercent), map[string]any{
			"share": fmt.Sprintf("%.2f%%", share), "weight": fmt.Sprintf("%d%%", betaPercent), "requests": splitRequests,
		}),
		splitRow(headway, nginx),
	}, nil
}

// branch pushes a version to a new branch and returns its commit.
func (a *trialled) branch(ctx context.Context, name, rules string) (string, error) {
	if _, err := a.tree.Git(ctx, "checkout", "-q", "-b", name); err != nil {
		return "", err
	}
	if err := a.write(rules, "quietly never"); err != nil {
		return "", err
	}
	if err := a.tree.Commit(ctx, "On "+name); err != nil {
		return "", err
	}
	if _, err := a.tree.Git(ctx, "push", "-q", "origin", name); err != nil {
		return "", err
	}
	head, err := a.tree.Git(ctx, "rev-parse", "HEAD")
	return strings.TrimSpace(head), err
}

// splitLoad is what one proxy carried, round by round, of an app with one pod and
// of one whose traffic is split over two.
type splitLoad struct{ whole, split []wrkResult }

// kept is the part of the requests/s that a split leaves, in each round.
func (l splitLoad) kept() []float64 {
	var parts []float64
	for i := range l.whole {
		parts = append(parts, l.split[i].perSecond/l.whole[i].perSecond)
	}
	return parts
}

func (l splitLoad) detail() map[string]any {
	return map[string]any{
		"whole": middle(l.whole).detail(), "split": middle(l.split).detail(),
		"ratio": round(median(l.kept())), "ratios": rounded(l.kept()),
	}
}

// splitRow compares what a split leaves of an activator's throughput with what it
// leaves of nginx's. Ratios are taken within a round, whose parts are as slow as the
// machine is just then.
func splitRow(headway, nginx splitLoad) row {
	var ratios []float64
	beside := nginx.kept()
	for i, kept := range headway.kept() {
		ratios = append(ratios, kept/beside[i])
	}
	return newRow("promotion.split_throughput_ratio", median(ratios), map[string]any{
		"headway": headway.detail(), "nginx": nginx.detail(), "all": rounded(ratios),
	})
}

// splitLoads has one activator and nginx take turns in front of the same pods.
// Both apps are asked through the activator in every round, or they would go to
// sleep.
func (b *bench) splitLoads(ctx context.Context, whole, app *trialled, beta string) (headway, nginx splitLoad, err error) {
	if _, err := answers(ctx, whole.url(), ""); err != nil {
		return headway, nginx, err // it may have been idle for long, and asleep
	}
	config := nginxConfig{WholeHost: b.host(whole.name), SplitHost: b.host(app.name), Percent: betaPercent}
	for revision, pod := range map[string]*string{whole.first: &config.Whole, app.first: &config.Live, app.revision(beta): &config.Beta} {
		if *pod, err = b.onlyPod(ctx, revision); err != nil {
			return headway, nginx, err
		}
	}
	activator, err := b.activatorURL(ctx)
	if err != nil {
		return headway, nginx, err
	}
	proxy, stop, err := startNginx(ctx, filepath.Join(b.scratch, "nginx"), config)
	if err != nil {
		return headway, nginx, err
	}
	defer stop()
	for range splitRounds {
		for _, load := range []struct {
			url, host string
			results   *[]wrkResult
		}{
			{activator, config.WholeHost, &headway.whole}, {activator, config.SplitHost, &headway.split},
			{proxy, config.WholeHost, &nginx.whole}, {proxy, config.SplitHost, &nginx.split},
		} {
			result, err := wrk(ctx, load.url, load.host, 32)
			if err != nil {
				return headway, nginx, fmt.Errorf("asking %s for %s: %w", load.url, load.host, err)
			}
			*load.results = append(*load.results, result)
		}
	}
	return headway, nginx, nil
}

// onlyPod is the address of the one pod of a revision. With more of them nginx,
// which knows one, would not be asked for the same.
func (b *bench) onlyPod(ctx context.Context, revision string) (string, error) {
	pods, err := b.pods(ctx, b.namespace, revisionLabel(revision))
	if err != nil {
		return "", err
	}
	if len(pods) != 1 {
		return "", fmt.Errorf("%s has %d pods, not one", revision, len(pods))
	}
	return net.JoinHostPort(pods[0].Status.PodIP, httpPort(pods[0])), nil
}
