package rest

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_watcher_forge_requests_total",
		Help: "Requests to forges, by the status of the answer; none where there was no answer. 304 are those that cost nothing.",
	}, []string{"forge", "code"})
	withheld = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_watcher_forge_withheld_total",
		Help: "Requests that were not sent, as the forge has refused others and is left alone.",
	}, []string{"forge"})
)

func init() { metrics.Registry.MustRegister(requests, withheld) }

// count counts an answer; 0 for none. Forges choose the status: one that is no
// usual one counts by its class.
func count(forge string, status int) {
	requests.WithLabelValues(forge, code(status)).Inc()
}

func code(status int) string {
	switch status {
	case 0:
		return "none"
	case 200, 201, 202, 204, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 422, 429, 500, 502, 503, 504:
		return strconv.Itoa(status)
	}
	if status < 100 || status > 599 {
		return "other"
	}
	return strconv.Itoa(status/100) + "xx"
}
