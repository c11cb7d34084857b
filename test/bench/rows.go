package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one measurement beside what it must and should reach.
type row struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	// Must and Aim are bounds; nil where there is none. They are upper bounds,
	// save of throughput and of ratios of it, which are better when they are higher.
	Must *float64 `json:"must"`
	Aim  *float64 `json:"aim"`
	// Detail is what the value is made of.
	Detail map[string]any `json:"detail,omitempty"`
}

// target is what a row has to reach; no bounds mean that nothing is asked.
type target struct {
	unit   string
	bounds *bounds
}

type bounds struct{ must, aim float64 }

// perSecond is the unit of throughput.
const perSecond = "per s"

// targets are agreed, not tuned to what this machine reaches.
var targets = map[string]target{
	"activator.throughput_ratio":       {"ratio", &bounds{0.36, 0.55}},
	"activator.added_p50_us":           {"us", &bounds{150, 50}},
	"activator.half_load_p99_ms":       {"ms", nil},
	"push.webhook_to_run_ms":           {"ms", &bounds{200, 50}},
	"push.to_url_cold_s":               {"s", nil},
	"push.to_url_warm_s":               {"s", &bounds{8, 5}}, // health.hold included,
	"push.built_tree_to_url_s":         {"s", &bounds{1, 0.3}},
	"coldstart.zero_ratio":             {"times", &bounds{1.2, 1}},
	"coldstart.parked_p50_ms":          {"ms", &bounds{50, 8}},
	"coldstart.parked_10_apps_ms":      {"ms", &bounds{200, 50}},
	"scale.ramp_errors":                {"count", &bounds{0, 0}},
	"promotion.detect_100_bad":         {"answers", &bounds{20, 6}},
	"promotion.evidence_to_zero_ms":    {"ms", &bounds{1000, 200}},
	"promotion.split_throughput_ratio": {"ratio", &bounds{0.95, 1}},
	"promotion.rollback_ms":            {"ms", &bounds{3000, 500}},
	"promotion.split_error_points":     {"points", &bounds{0.5, 0.3}},
	"preview.open_to_url_s":            {"s", &bounds{15, 7}}, // health.hold included
	"preview.same_tree_s":              {"s", &bounds{4, 1.5}},
	"preview.close_to_gone_s":          {"s", &bounds{10, 2}},
	"preview.merge_to_live_s":          {"s", &bounds{4, 1.5}},
	"preview.added_mib_100_open":       {"MiB", &bounds{20, 20}},
	"forge.calls_idle_per_hour":        {"calls", nil},
	"events.durable_per_s":             {perSecond, &bounds{9_000, 20_000}},
	"events.accept_p50_ms":             {"ms", &bounds{1, 0.4}},
	"events.end_to_end_per_s":          {perSecond, &bounds{5_000, 10_000}},
	"events.duplicates":                {"count", &bounds{0, 0}}, // of 100,000
	"events.delivery_p99_ms":           {"ms", &bounds{50, 15}},  // at 1,000/s
	"events.wake_parked_ms":            {"ms", &bounds{150, 30}},
	"events.rss_mib":                   {"MiB", &bounds{250, 120}}, // 1 M events, 1,000 subscriptions
	"events.why_ms":                    {"ms", &bounds{100, 10}},
	"events.restart_s":                 {"s", &bounds{10, 2}},
	"pod.added_mib":                    {"MiB", &bounds{0, 0}},
	"control.rss_mib_10_apps":          {"MiB", &bounds{150, 100}},
}

// newRow panics on a name without a target: that is a mistake in this program.
func newRow(name string, value float64, detail map[string]any) row {
	t, ok := targets[name]
	if !ok {
		panic("no target for row " + name)
	}
	r := row{Name: name, Value: round(value), Unit: t.unit, Detail: detail}
	if t.bounds != nil {
		r.Must, r.Aim = &t.bounds.must, &t.bounds.aim
	}
	return r
}

// round keeps three digits, which is more than the measurements hold.
func round(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

// verdict is "aim", "must" or "MISSED"; "-" where nothing is asked.
func (r row) verdict() string {
	reached := func(bound float64) bool {
		if r.Unit == "ratio" || r.Unit == perSecond {
			return r.Value >= bound
		}
		return r.Value <= bound
	}
	switch {
	case r.Must == nil:
		return "-"
	case reached(*r.Aim):
		return "aim"
	case reached(*r.Must):
		return "must"
	}
	return "MISSED"
}

// missed names the rows that do not reach their must.
func missed(rows []row) []string {
	var names []string
	for _, r := range rows {
		if r.verdict() == "MISSED" {
			names = append(names, r.Name)
		}
	}
	return names
}

func printTable(to io.Writer, rows []row) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	bound := func(b *float64) string {
		if b == nil {
			return "-"
		}
		return fmt.Sprint(*b)
	}
	fmt.Fprintln(table, "NAME\tVALUE\tUNIT\tMUST\tAIM\tREACHED\tDETAIL")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%v\t%s\t%s\t%s\t%s\t%s\n",
			r.Name, r.Value, r.Unit, bound(r.Must), bound(r.Aim), r.verdict(), inline(r.Detail))
	}
	return table.Flush()
}

// inline writes a detail on one line, its parts in the order of their names.
func inline(detail map[string]any) string {
	var parts []string
	for key, value := range detail {
		if nested, ok := value.(map[string]any); ok {
			value = "(" + inline(nested) + ")"
		}
		parts = append(parts, fmt.Sprintf("%s %v", key, value))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func writeJSON(path string, rows []row) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the rows: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the rows: %w", err)
	}
	return nil
}

// median of at least one value; the lower one of an even number.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}

// rounded is each value as a person wants to see it.
func rounded(values []float64) []float64 {
	short := make([]float64, len(values))
	for i, v := range values {
		short[i] = round(v)
	}
	return short
}

func seconds(d time.Duration) float64 { return d.Seconds() }
