package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// wrkRounds of direct and routed load take turns, so that a busy moment of the
// machine hits both.
const wrkRounds = 3

// wrkResult is one run of wrk.
type wrkResult struct {
	perSecond float64 // requests
	p50, p99  time.Duration
}

// activator compares the same small handler asked directly at its pod's address
// and through one activator's.
func (b *bench) activator(ctx context.Context) ([]row, error) {
	if _, err := exec.LookPath("wrk"); err != nil {
		return nil, fmt.Errorf("the load comes from wrk, install it (apt-get install wrk): %w", err)
	}
	const app = "cold0" // of the pushes; it has one revision
	if _, err := answers(ctx, localcluster.URL(app, b.namespace), greeting); err != nil {
		return nil, err // it may have been idle for long, and asleep
	}
	apps, err := b.pods(ctx, b.namespace, client.MatchingLabels{v1alpha1.LabelApp: app})
	if err != nil {
		return nil, err
	}
	activators, err := b.pods(ctx, localcluster.SystemNamespace, client.MatchingLabels{"app.kubernetes.io/name": "headway-activator"})
	if err != nil {
		return nil, err
	}
	host := app + "." + b.namespace + ".localhost"
	urls := map[string]string{
		"direct":    "http://" + net.JoinHostPort(apps[0].Status.PodIP, httpPort(apps[0])) + "/healthz",
		"activator": "http://" + net.JoinHostPort(activators[0].Status.PodIP, localcluster.PublicPort) + "/healthz",
	}
	busy, single := map[string][]wrkResult{}, map[string][]wrkResult{}
	for range wrkRounds {
		for _, way := range []string{"direct", "activator"} {
			for _, load := range []struct {
				connections int
				to          map[string][]wrkResult
			}{{32, busy}, {1, single}} {
				result, err := wrk(ctx, urls[way], host, load.connections)
				if err != nil {
					return nil, err
				}
				load.to[way] = append(load.to[way], result)
			}
		}
	}
	direct, routed := middle(busy["direct"]), middle(busy["activator"])
	directOne, routedOne := middle(single["direct"]), middle(single["activator"])
	added := routedOne.p50 - directOne.p50
	return []row{
		newRow("activator.throughput_ratio", routed.perSecond/direct.perSecond, map[string]any{
			"direct": direct.detail(), "activator": routed.detail(),
		}),
		newRow("activator.added_p50_us", float64(added.Nanoseconds())/1000, map[string]any{
			"direct": directOne.detail(), "activator": routedOne.detail(),
		}),
	}, nil
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

// wrk loads a URL for four seconds with one thread.
func wrk(ctx context.Context, url, host string, connections int) (wrkResult, error) {
	arguments := []string{"-t1", "-c" + strconv.Itoa(connections), "-d4s", "--latency", "-H", "Host: " + host, url}
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

// httpPort is the port that the app's container names http.
func httpPort(pod corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == "http" {
				return strconv.Itoa(int(p.ContainerPort))
			}
		}
	}
	return "8080"
}
