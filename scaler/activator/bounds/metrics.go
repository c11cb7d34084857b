package bounds

import "github.com/prometheus/client_golang/prometheus"

var (
	memoryDesc = prometheus.NewDesc("headway_activator_held_bytes",
		"What requests hold beyond what every connection has: used, and the bound (total).", []string{"of"}, nil)
	connsDesc = prometheus.NewDesc("headway_activator_connection_units",
		"What connections of clients count, in units of 24 KiB: used, and the bound (total).", []string{"of"}, nil)
	lackingDesc = prometheus.NewDesc("headway_activator_lacking_total",
		"How often something did not fit into the share of its app: bytes, or connections before idle ones were ended.", []string{"of"}, nil)
	endedDesc = prometheus.NewDesc("headway_activator_idle_ended_total",
		"Idle connections that were ended to make room for others.", nil, nil)
)

// Describe implements prometheus.Collector.
func (b *Budget) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{memoryDesc, connsDesc, lackingDesc, endedDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (b *Budget) Collect(ch chan<- prometheus.Metric) {
	for _, of := range []struct {
		name string
		desc *prometheus.Desc
		pool *Pool
	}{{"bytes", memoryDesc, b.Bytes}, {"connections", connsDesc, b.Conns.pool}} {
		total, used, refused := of.pool.State()
		ch <- prometheus.MustNewConstMetric(of.desc, prometheus.GaugeValue, float64(total), "total")
		ch <- prometheus.MustNewConstMetric(of.desc, prometheus.GaugeValue, float64(used), "used")
		ch <- prometheus.MustNewConstMetric(lackingDesc, prometheus.CounterValue, float64(refused), of.name)
	}
	ch <- prometheus.MustNewConstMetric(endedDesc, prometheus.CounterValue, float64(b.Conns.ended.Load()))
}
