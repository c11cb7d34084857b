package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// memory sums the resident memory of one process of each part of Headway, the
// largest of its kind, as their metrics tell it. How many of them run is a
// choice of the installation; the detail has all.
func (b *bench) memory(ctx context.Context) ([]row, error) {
	var total float64
	detail := map[string]any{}
	for _, program := range []struct{ name, metricsPort string }{
		{"headway-controller", "8083"},
		{"headway-activator", "8090"},
		{"headway-autoscaler", "8092"},
	} {
		pods, err := b.pods(ctx, localcluster.SystemNamespace, client.MatchingLabels{"app.kubernetes.io/name": program.name})
		if err != nil {
			return nil, err
		}
		var each []float64
		for _, pod := range pods {
			bytes, err := residentBytes(ctx, "http://"+net.JoinHostPort(pod.Status.PodIP, program.metricsPort)+"/metrics")
			if err != nil {
				return nil, fmt.Errorf("reading the memory of %s: %w", pod.Name, err)
			}
			each = append(each, bytes/(1<<20))
		}
		detail[program.name] = rounded(each)
		total += slices.Max(each)
	}
	var apps v1alpha1.AppList
	if err := b.Kube.List(ctx, &apps); err != nil {
		return nil, fmt.Errorf("counting the apps: %w", err)
	}
	detail["apps"] = len(apps.Items)
	return []row{newRow("control.rss_mib", total, detail)}, nil
}

func residentBytes(ctx context.Context, url string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answers %s", url, response.Status)
	}
	return findMetric(response.Body, "process_resident_memory_bytes")
}

// findMetric reads one sample without labels out of the text format.
func findMetric(from io.Reader, name string) (float64, error) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("no metric %s", name)
}
