package stats

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/headway-dev/headway/api/latency"
	"github.com/headway-dev/headway/scaler/report"
)

// Sample is one revision at the time of a scrape.
type Sample struct {
	Namespace, App, Revision string
	Counters                 *Counters
	OpenPods                 int
	InFlight                 int
	Queued                   int
}

var labels = []string{"namespace", "app", "revision"}

func desc(name, help string, extra ...string) *prometheus.Desc {
	return prometheus.NewDesc("headway_activator_"+name, help, append(append([]string{}, labels...), extra...), nil)
}

var (
	requestsDesc = desc("requests_total", "Requests that were answered, by status class; 0xx is a client that went away before an answer.", "code")
	durationDesc = desc("request_duration_seconds", "Time from a request's head to the end of its response.")
	inFlightDesc = desc("requests_in_flight", "Requests that a pod is working on.")
	queuedDesc   = desc("requests_queued", "Requests that wait for a pod.")
	openDesc     = desc("pods_open", "Pods that take requests.")
	retriesDesc  = desc("retries_total", "Requests that went to another pod because the first refused the connection.")
	waitsDesc    = desc("queue_wait_seconds", "Time that requests which had to wait for a pod waited.")
)

// Collector shows samples to Prometheus.
type Collector struct {
	// Samples calls yield for every revision there is.
	Samples func(yield func(Sample))
}

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsDesc, durationDesc, inFlightDesc, queuedDesc, openDesc, retriesDesc, waitsDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	c.Samples(func(s Sample) { collect(ch, s) })
}

func collect(ch chan<- prometheus.Metric, s Sample) {
	l := []string{s.Namespace, s.App, s.Revision}
	gauge := func(d *prometheus.Desc, v int) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), l...)
	}
	gauge(inFlightDesc, s.InFlight)
	gauge(queuedDesc, s.Queued)
	gauge(openDesc, s.OpenPods)

	c := s.Counters
	for class, n := range c.classes() {
		if n > 0 {
			ch <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, float64(n), append(l, strconv.Itoa(class)+"xx")...)
		}
	}
	ch <- prometheus.MustNewConstMetric(retriesDesc, prometheus.CounterValue, float64(c.retries.Load()), l...)
	ch <- prometheus.MustNewConstSummary(waitsDesc, c.queued.Load(), time.Duration(c.queuedIn.Load()).Seconds(), nil, l...)

	took := c.took.Load()
	total, cumulative := uint64(0), make(map[float64]uint64, (latency.Buckets+coarse-1)/coarse)
	for i, n := range took {
		if total += n; i%coarse == 0 && i < latency.Buckets-1 || i == latency.Buckets-2 {
			cumulative[latency.Bound(i).Seconds()] = total
		}
	}
	ch <- prometheus.MustNewConstHistogram(durationDesc, total, time.Duration(c.nanos.Load()).Seconds(), cumulative, l...)
}

// coarse is how many counters make one of Prometheus': a whole doubling, so that
// a revision has 18 series and not 129.
const coarse = 8

// classes are the requests by the first digit of the status that the client got.
func (c *Counters) classes() (n [6]uint64) {
	var ended [report.Endings]uint64
	for kind := range c.tallies {
		for e := range ended {
			ended[e] += c.tallies[kind].ended[e].Load()
		}
	}
	for e, class := range [report.Endings]int{0, 1, 2, 3, 4, 5, report.GRPCFailed: 2, report.Broken: 5, report.Late: 5, report.NoPod: 5, report.ClientFault: 4} {
		n[class] += ended[e]
	}
	return n
}
