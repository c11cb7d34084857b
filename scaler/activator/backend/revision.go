package backend

import (
	"time"

	"github.com/headway-dev/headway/scaler/activator/stats"
)

// Settings are what the data path needs of a Revision's spec, which never
// changes.
type Settings struct {
	Namespace, App, Name string
	// Timeout from a request to the start of its response, waiting included.
	Timeout time.Duration
	// Limit of requests in flight in one pod; 0 is no limit.
	Limit int
	// HealthPath answers 2xx or 3xx when a pod can take requests; empty: the
	// port accepts connections.
	HealthPath string
}

// Revision is a revision as the data path sees it.
type Revision struct {
	Settings
	*Pool
	Stats stats.Counters
}

// NewRevision makes a revision without pods. Close it when it is deleted.
// waiting is called when a request begins to wait where none did; it must not
// block.
func NewRevision(s Settings, waiting func()) *Revision {
	probe := TCPProbe
	if s.HealthPath != "" {
		probe = HTTPProbe(s.HealthPath)
	}
	pool := NewPool(s.Limit, probe)
	pool.waiting = waiting
	if s.Limit > 0 {
		pool.linger = s.Timeout
	}
	return &Revision{Settings: s, Pool: pool}
}
