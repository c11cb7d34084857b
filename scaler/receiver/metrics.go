package receiver

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Reasons of refused.
const (
	badClaims        = "claims"      // the token itself says that it is none of an activator
	badToken         = "token"       // the API server says so
	noTurn           = "review"      // too many tokens wait for the API server
	noReview         = "unavailable" // the API server did not answer
	tooManyStrangers = "connections" // too many connections without a token
)

var (
	refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_reports_refused_total",
		Help: "Streams of reports that were refused: by what the token says (claims), by the API server (token), as too many wait for it (review), as it did not answer (unavailable), or as there are too many connections without a token (connections).",
	}, []string{"reason"})
	reviews = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_reports_reviews_total",
		Help: "Questions to the API server whose a token is.",
	})
)

func init() { metrics.Registry.MustRegister(refused, reviews) }
