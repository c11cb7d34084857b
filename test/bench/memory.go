package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// memoryApps is how many apps the cluster has when the memory is looked at.
const memoryApps = 10

// residents is the resident memory of each process of Headway, in MiB.
type residents struct {
	apps      int
	byProgram map[string][]float64
}

// memory sums the resident memory of one process of each program, the largest
// of its kind, after all that was done with them so far. How many of them run
// is a choice of the installation; the detail has all of them, and their sum.
func (b *bench) memory(ctx context.Context) ([]row, error) {
	if _, err := b.smallApp(ctx); err != nil {
		return nil, err // it counts, and the parked ones run its image
	}
	now, err := b.countApps(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.needParkedApps(ctx, b.parkedCount()+max(memoryApps-now, 0)); err != nil {
		return nil, err
	}
	all, err := b.residents(ctx)
	if err != nil {
		return nil, err
	}
	detail := all.detail()
	detail["before the run"] = b.before.detail()
	return []row{newRow("control.rss_mib_10_apps", all.oneOfEach(), detail)}, nil
}

// oneOfEach is the sum of the largest processes.
func (r residents) oneOfEach() float64 {
	var sum float64
	for _, each := range r.byProgram {
		sum += slices.Max(each)
	}
	return sum
}

func (r residents) detail() map[string]any {
	detail := map[string]any{"apps": r.apps}
	var sum float64
	for program, each := range r.byProgram {
		detail[strings.TrimPrefix(program, "headway-")] = rounded(each)
		for _, one := range each {
			sum += one
		}
	}
	detail["all together"] = round(sum)
	return detail
}

// residents asks every process of Headway for its memory, as its metrics tell it.
func (b *bench) residents(ctx context.Context) (residents, error) {
	r := residents{byProgram: map[string][]float64{}}
	for _, program := range []struct{ name, metricsPort string }{
		{"headway-watcher", "8095"},
		{"headway-controller", "8083"},
		{"headway-activator", "8090"},
		{"headway-autoscaler", "8092"},
	} {
		pods, err := b.pods(ctx, localcluster.SystemNamespace, client.MatchingLabels{"app.kubernetes.io/name": program.name})
		if err != nil {
			return r, err
		}
		for _, pod := range pods {
			bytes, err := residentBytes(ctx, "http://"+net.JoinHostPort(pod.Status.PodIP, program.metricsPort)+"/metrics")
			if err != nil {
				return r, fmt.Errorf("reading the memory of %s: %w", pod.Name, err)
			}
			r.byProgram[program.name] = append(r.byProgram[program.name], bytes/(1<<20))
		}
	}
	var err error
	r.apps, err = b.countApps(ctx)
	return r, err
}

func (b *bench) countApps(ctx context.Context) (int, error) {
	var apps v1alpha1.AppList
	if err := b.Kube.List(ctx, &apps); err != nil {
		return 0, fmt.Errorf("counting the apps: %w", err)
	}
	return len(apps.Items), nil
}

func residentBytes(ctx context.Context, url string) (float64, error) {
	answer, err := localcluster.Fetch(ctx, http.DefaultClient, url)
	if err != nil {
		return 0, err
	}
	if answer.Status != http.StatusOK {
		return 0, fmt.Errorf("%s answers %d", url, answer.Status)
	}
	return findMetric(answer.Body, "process_resident_memory_bytes")
}

// findMetric reads one sample without labels out of the text format.
func findMetric(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}
