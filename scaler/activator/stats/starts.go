package stats

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// startBounds reach from a parked program of a few milliseconds to an
// application that takes a minute.
var startBounds = []float64{
	0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60,
}

// Starts counts the cold starts of all revisions together.
type Starts struct {
	seconds *prometheus.HistogramVec
	wakes   *prometheus.CounterVec
}

// NewStarts makes a Starts without any.
func NewStarts() *Starts {
	return &Starts{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "headway_activator_cold_start_seconds",
			Help:    "Time from a request that no pod was up for until the first one answered: until it was reachable (pod), from then on (app), and both (total).",
			Buckets: startBounds,
		}, []string{"phase", "from"}),
		wakes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "headway_activator_wakes_total",
			Help: "Wake calls to parked pods by result: woken, refused (it was awake), denied, unreachable.",
		}, []string{"result"}),
	}
}

// Observe counts a cold start: from a parked pod or from zero, with the time
// until the pod was reachable and from then until it answered.
func (s *Starts) Observe(parked bool, pod, app time.Duration) {
	from := "zero"
	if parked {
		from = "parked"
	}
	s.seconds.WithLabelValues("pod", from).Observe(pod.Seconds())
	s.seconds.WithLabelValues("app", from).Observe(app.Seconds())
	s.seconds.WithLabelValues("total", from).Observe((pod + app).Seconds())
}

// Woke counts a wake call.
func (s *Starts) Woke(result string) { s.wakes.WithLabelValues(result).Inc() }

// Describe implements prometheus.Collector.
func (s *Starts) Describe(ch chan<- *prometheus.Desc) {
	s.seconds.Describe(ch)
	s.wakes.Describe(ch)
}

// Collect implements prometheus.Collector.
func (s *Starts) Collect(ch chan<- prometheus.Metric) {
	s.seconds.Collect(ch)
	s.wakes.Collect(ch)
}

// OwnAnswers counts the responses that the activator itself makes, of all apps
// together and of requests that belong to none.
type OwnAnswers struct{ *prometheus.CounterVec }

// NewOwnAnswers makes an OwnAnswers without any.
func NewOwnAnswers() *OwnAnswers {
	return &OwnAnswers{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_activator_own_answers_total",
		Help: "Responses that the activator itself made, by reason, which is also what their header Headway-Answer says.",
	}, []string{"reason"})}
}

// Count counts one.
func (a *OwnAnswers) Count(reason string) { a.WithLabelValues(reason).Inc() }
