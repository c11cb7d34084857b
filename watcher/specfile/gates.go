package specfile

import (
	"fmt"
	"net/url"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var gateRows = []rowOf[rule]{
	{
		name: "errors", byDefault: "1%",
		doc: "Tolerated part of bad answers: 5xx, what Headway has to answer in the app's place, and the like in gRPC. `off` leaves this gate out.",
		value: decimalOf[rule]{what: "a percentage", example: "0.5%", digits: 4, min: 1, max: 99_0000, percent: mustSign,
			set: func(r *rule, v int64) { r.Gates.Errors = v }, off: func(r *rule) { r.errorsOff = true }},
	},
	quantileRow(50, "half"), quantileRow(90, "all but 10%"), quantileRow(95, "all but 5%"), quantileRow(99, "all but 1%"),
	{
		name: "against", byDefault: "stable",
		doc: "`stable` compares with the live version: a new one fails only if it is worse than that, and beyond the bound. `none` looks at the bounds alone.",
		value: textOf[rule]{what: "stable or none", example: "stable", pattern: "^(stable|none)$", most: 6,
			set: func(r *rule, v string) error { r.Gates.Alone = v == "none"; return nil }},
	},
	{
		name: "minRequests", byDefault: "200",
		doc: "Requests that the new version must have had in a step before the next one.",
		value: integerOf[rule]{min: 0, max: 10_000_000, example: 200,
			set: func(r *rule, v int32) { r.minRequests = &v }},
	},
	{
		name: "budget", byDefault: "no bound",
		doc: "Bad answers that users see of it at most.",
		value: integerOf[rule]{min: 1, max: 1_000_000, example: 20,
			set: func(r *rule, v int32) { r.Gates.Budget = v }},
	},
	{
		name: "alpha", byDefault: "1%",
		doc: "The chance that a version which is as good as the live one fails all the same.",
		value: decimalOf[rule]{what: "a percentage", example: "1%", digits: 4, min: 100, max: 20_0000, percent: mustSign,
			set: func(r *rule, v int64) { r.Gates.Alpha = v }},
	},
	{
		name: "margin", byDefault: "1.25",
		doc: "How many times worse than the live version it may be within noise.",
		value: decimalOf[rule]{what: "a factor", example: "1.25", digits: 2, min: 1_00, max: 10_00,
			set: func(r *rule, v int64) { r.Gates.Margin = int32(v) }},
	},
	{
		name: "http", byDefault: "none",
		doc: "URL that answers 2xx as long as the version may go on.",
		value: textOf[rule]{what: urlWhat, example: "https://checks.example.com/shop", pattern: urlPattern, most: 2048,
			set: func(r *rule, v string) error { r.Gates.HTTP = v; return checkURL(v) }},
	},
	{
		name: "prometheus", byDefault: "none",
		doc: "A query whose value has a bound.",
		value: objectOf[rule]{rows: prometheusRows, example: "{url: https://prometheus.example.com, query: \"sum(rate(failed_total[5m]))\", max: 3}",
			begin: func(r *rule) { r.Gates.Prometheus = &v1alpha1.PrometheusGate{} }},
	},
	{
		name: "job", byDefault: "none",
		doc: "Command that runs in the version's image against its own URL, in the variable HEADWAY_URL, and must end well before the first user gets it.",
		value: listOf[rule]{what: "words", most: 64, item: textOf[rule]{what: "a word of a command line", example: "./smoke-test", pattern: `^[^\x00]+$`, most: 4096, bare: true,
			set: func(r *rule, v string) error { r.Gates.Job = append(r.Gates.Job, v); return nil }}},
	},
}

var prometheusRows = []rowOf[rule]{
	{
		name: "url", required: true,
		doc: "URL of the Prometheus server.",
		value: textOf[rule]{what: urlWhat, example: "https://prometheus.example.com", pattern: urlPattern, most: 2048,
			set: func(r *rule, v string) error { r.Gates.Prometheus.URL = v; return checkURL(v) }},
	},
	{
		name: "query", required: true,
		doc: "Query that yields one number. `$APP`, `$REVISION` and `$NAMESPACE` stand for those of the new version.",
		value: textOf[rule]{what: "a query", example: `"sum(rate(failed_total{app=\"$APP\"}[5m]))"`, pattern: `[^\s]`, most: 4096,
			set: func(r *rule, v string) error { r.Gates.Prometheus.Query = v; return nil }},
	},
	{
		name: "max", required: true,
		doc: "Largest value that passes.",
		value: textOf[rule]{what: "a number", example: "3", pattern: `^-?[0-9]{1,18}(\.[0-9]{1,18})?(e-?[0-9]{1,2})?$`, most: 42, bare: true,
			set: func(r *rule, v string) error { r.Gates.Prometheus.Max = v; return nil }},
	},
}

// quantileRow is the bound of a quantile of the time to the first byte.
func quantileRow(quantile int32, who string) rowOf[rule] {
	return rowOf[rule]{
		name: quantileName(quantile), byDefault: "no bound",
		doc: fmt.Sprintf("Time to the first byte that %s of the requests keep within. One of the four bounds is enough.", who),
		value: durationOf[rule]{min: time.Millisecond, max: time.Minute, example: "300ms",
			set: func(r *rule, v time.Duration) {
				r.quantiles = append(r.quantiles, quantile)
				r.Gates.Quantile, r.Gates.Within.Duration = quantile, v
			}},
	}
}

func quantileName(quantile int32) string { return fmt.Sprintf("p%d", quantile) }

const (
	urlWhat    = "a URL with http:// or https://"
	urlPattern = `^https?://[^\s/?#@]+([/?][!-~]*)?$`
)

// checkURL looks at what the pattern lets through.
func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Fragment != "" {
		return fmt.Errorf("%q is no URL of a server", clip(s))
	}
	return nil
}
