package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// measurement is one thing that is done to the cluster, and the rows it gives.
type measurement struct {
	rows []string
	take func(*bench, context.Context) ([]row, error)
}

// measurements are in the order in which they are taken. The memory is looked
// at while exactly ten apps exist: after the load, before more apps are pushed.
var measurements = []measurement{
	{[]string{"push.to_url_cold_s", "push.to_url_warm_s", "push.built_tree_to_url_s"}, (*bench).pushes},
	{[]string{"push.webhook_to_run_ms"}, (*bench).webhooks},
	{[]string{"activator.throughput_ratio", "activator.added_p50_us", "activator.half_load_p99_ms"}, (*bench).activator},
	{[]string{"coldstart.zero_ratio"}, (*bench).coldStarts},
	{[]string{"coldstart.parked_p50_ms", "pod.added_mib"}, (*bench).parkedStarts},
	{[]string{"scale.ramp_errors"}, (*bench).ramp},
	{[]string{"control.rss_mib_10_apps"}, (*bench).memory},
	{[]string{"coldstart.parked_10_apps_ms"}, (*bench).parkedTogether},
	{[]string{"forge.calls_idle_per_hour"}, (*bench).idleForges},
	{[]string{"promotion.detect_100_bad"}, (*bench).detection},
	{[]string{"promotion.evidence_to_zero_ms"}, (*bench).evidence},
	{[]string{"promotion.rollback_ms"}, (*bench).rollbacks},
	{[]string{"promotion.split_error_points", "promotion.split_throughput_ratio"}, (*bench).split},
	{[]string{"preview.open_to_url_s", "preview.same_tree_s", "preview.close_to_gone_s", "preview.merge_to_live_s"}, (*bench).previews},
	{[]string{"preview.added_mib_100_open"}, (*bench).idlePreviews},
	{[]string{"events.durable_per_s", "events.accept_p50_ms", "events.end_to_end_per_s", "events.duplicates", "events.delivery_p99_ms"}, (*bench).eventsFlow},
	{[]string{"events.wake_parked_ms"}, (*bench).eventsWake},
	{[]string{"events.rss_mib", "events.why_ms", "events.restart_s"}, (*bench).manyEvents},
}

// choose keeps the measurements that give a row whose name begins with one of
// the prefixes, which commas separate. None means all.
func choose(only string) ([]measurement, error) {
	if only == "" {
		return measurements, nil
	}
	begins := func(names []string, prefix string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return prefix != "" && strings.HasPrefix(name, prefix) })
	}
	prefixes := strings.Split(only, ",")
	for _, prefix := range prefixes {
		if !begins(rowNames(), prefix) {
			return nil, fmt.Errorf("no row begins with %q; the rows are %s", prefix, strings.Join(rowNames(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(measurements), func(m measurement) bool {
		return !slices.ContainsFunc(prefixes, func(prefix string) bool { return begins(m.rows, prefix) })
	}), nil
}

// rowNames are all rows in their order.
func rowNames() []string {
	var names []string
	for _, m := range measurements {
		names = append(names, m.rows...)
	}
	return names
}
