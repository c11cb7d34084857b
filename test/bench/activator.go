package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// wrkRounds of direct and routed load take turns, so that a busy moment of the
// machine hits both; so do halfRounds.
const (
	wrkRounds  = 3
	halfRounds = 2
	halfTime   = 5 * time.Second
)

// wrkResult is one run of wrk.
type wrkResult struct {
	perSecond float64 // requests
	p50, p99  time.Duration
}

// handler is where one handler is asked, directly and through one activator.
type handler struct{ direct, activator, host string }

// activator compares the same small handler asked directly at its pod's address
// and through one activator's.
func (b *bench) activator(ctx context.Context) ([]row, error) {
	if err := installed("wrk", "wrk"); err != nil {
		return nil, err
	}
	to, err := b.handler(ctx)
	if err != nil {
		return nil, err
	}
	var busyDirect, busyRouted, singleDirect, singleRouted []wrkResult
	for range wrkRounds {
		for _, load := range []struct {
			url         string
			connections int
			results     *[]wrkResult
		}{
			{to.direct, 32, &busyDirect}, {to.activator, 32, &busyRouted},
			{to.direct, 1, &singleDirect}, {to.activator, 1, &singleRouted},
		} {
			result, err := wrk(ctx, load.url, to.host, load.connections)
			if err != nil {
				return nil, err
			}
			*load.results = append(*load.results, result)
		}
	}
	direct, routed := middle(busyDirect), middle(busyRouted)
	directOne, routedOne := middle(singleDirect), middle(singleRouted)
	added := routedOne.p50 - directOne.p50
	half, err := halfLoad(ctx, to, routed.perSecond/2)
	if err != nil {
		return nil, err
	}
	return []row{
		newRow("activator.throughput_ratio", routed.perSecond/direct.perSecond, map[string]any{
			"direct": direct.detail(), "activator": routed.detail(),
		}),
		newRow("activator.added_p50_us", float64(added.Nanoseconds())/1000, map[string]any{
			"direct": directOne.detail(), "activator": routedOne.detail(),
		}),
		half,
	}, nil
}

// handler finds a pod of the small app and an activator.
func (b *bench) handler(ctx context.Context) (handler, error) {
	app, err := b.smallApp(ctx)
	if err != nil {
		return handler{}, err
	}
	if _, err := answers(ctx, localcluster.URL(app, b.namespace), greeting); err != nil {
		return handler{}, err // it may have been idle for long, and asleep
	}
	// The pods of its other revisions have no traffic, and go when they like.
	var live v1alpha1.App
	if err := b.Kube.Get(ctx, client.ObjectKey{Namespace: b.namespace, Name: app}, &live); err != nil {
		return handler{}, fmt.Errorf("reading app %s: %w", app, err)
	}
	apps, err := b.pods(ctx, b.namespace, client.MatchingLabels{v1alpha1.LabelRevision: live.Status.Live})
	if err != nil {
		return handler{}, err
	}
	activator, err := b.activatorURL(ctx)
	if err != nil {
		return handler{}, err
	}
	return handler{
		direct:    "http://" + net.JoinHostPort(apps[0].Status.PodIP, httpPort(apps[0])) + "/healthz",
		activator: activator + "healthz",
		host:      b.host(app),
	}, nil
}

// activatorURL is that of one activator, with the slash at its end.
func (b *bench) activatorURL(ctx context.Context) (string, error) {
	activators, err := b.pods(ctx, localcluster.SystemNamespace, client.MatchingLabels{"app.kubernetes.io/name": "headway-activator"})
	if err != nil {
		return "", err
	}
	return "http://" + net.JoinHostPort(activators[0].Status.PodIP, layout.PublicPort) + "/", nil
}

// host is the one that an activator knows an app by.
func (b *bench) host(app string) string { return app + "." + b.namespace + ".localhost" }

// installed says what to install if a program is missing.
func installed(program, debian string) error {
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%s is missing, install it (apt-get install %s): %w", program, debian, err)
	}
	return nil
}

// smallApp pushes the app that is only asked, if no measurement before left one.
func (b *bench) smallApp(ctx context.Context) (string, error) {
	if b.small != "" {
		return b.small, nil
	}
	if _, err := b.pushWith(ctx, "small", ""); err != nil {
		return "", err
	}
	b.small = "small"
	return b.small, nil
}

// middle takes the median of each figure on its own.
func middle(results []wrkResult) wrkResult {
	pick := func(figure func(wrkResult) float64) float64 {
		var values []float64
		for _, r := range results {
			values = append(values, figure(r))
		}
		return median(values)
	}
	return wrkResult{
		perSecond: pick(func(r wrkResult) float64 { return r.perSecond }),
		p50:       time.Duration(pick(func(r wrkResult) float64 { return float64(r.p50) })),
		p99:       time.Duration(pick(func(r wrkResult) float64 { return float64(r.p99) })),
	}
}

func (r wrkResult) detail() map[string]any {
	return map[string]any{"requests/s": round(r.perSecond), "p50": r.p50.String(), "p99": r.p99.String()}
}

// halfLoad asks both ways at the same even rate, half of what the activator can
// take here, and compares how long the answers took from when they were due.
func halfLoad(ctx context.Context, to handler, perSecond float64) (row, error) {
	var direct, routed []float64
	for range halfRounds {
		for _, way := range []struct {
			url  string
			took *[]float64
		}{{to.direct, &direct}, {to.activator, &routed}} {
			load, err := getting(way.url, to.host, perSecond, halfTime)
			if err != nil {
				return row{}, err
			}
			took, err := openLoop(ctx, load)
			if err != nil {
				return row{}, fmt.Errorf("asking %s %.0f times a second: %w", way.url, perSecond, err)
			}
			*way.took = append(*way.took, took...)
		}
	}
	slices.Sort(direct)
	slices.Sort(routed)
	return newRow("activator.half_load_p99_ms", quantile(routed, 0.99), map[string]any{
		"requests/s": round(perSecond), "activator ms": distribution(routed), "direct ms": distribution(direct),
	}), nil
}

// wrk loads a URL for three seconds with one thread.
func wrk(ctx context.Context, url, host string, connections int) (wrkResult, error) {
	arguments := []string{"-t1", "-c" + strconv.Itoa(connections), "-d3s", "--latency", "-H", "Host: " + host, url}
	out, err := exec.CommandContext(ctx, "wrk", arguments...).CombinedOutput()
	if err != nil {
		return wrkResult{}, fmt.Errorf("running wrk: %w: %s", err, out)
	}
	return parseWrk(string(out))
}

var (
	wrkRate    = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkPercent = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([0-9.]+(?:us|ms|s|m))$`)
	wrkErrors  = regexp.MustCompile(`(?m)^\s+(Non-2xx or 3xx responses|Socket errors):.*$`)
)

// parseWrk reads what wrk --latency prints. A run with errors measures nothing.
func parseWrk(out string) (wrkResult, error) {
	if line := wrkErrors.FindString(out); line != "" {
		return wrkResult{}, fmt.Errorf("wrk met errors:%s", line)
	}
	rate := wrkRate.FindStringSubmatch(out)
	percent := wrkPercent.FindAllStringSubmatch(out, -1)
	if rate == nil || len(percent) != 2 {
		return wrkResult{}, fmt.Errorf("wrk printed something unknown: %s", out)
	}
	var r wrkResult
	var err error
	if r.perSecond, err = strconv.ParseFloat(rate[1], 64); err != nil {
		return wrkResult{}, fmt.Errorf("reading wrk's rate: %w", err)
	}
	for i, to := range []*time.Duration{&r.p50, &r.p99} {
		if *to, err = time.ParseDuration(percent[i][2]); err != nil {
			return wrkResult{}, fmt.Errorf("reading wrk's latency: %w", err)
		}
	}
	return r, nil
}
