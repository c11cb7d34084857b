package activator

import (
	"flag"
	"log/slog"

	"k8s.io/client-go/rest"
)

// Options of the activator.
type Options struct {
	// Listen is the address for requests, AdminListen the one for metrics and
	// health.
	Listen, AdminListen string
	// PeerListen is the address for requests that other activators send on.
	PeerListen string
	// AccessLog is whether the access log is on at first.
	AccessLog bool
	// Autoscaler is host:port of the autoscaler, Controller that of the
	// controller's endpoint for reports; empty: there is none.
	Autoscaler, Controller string
	// ReportToken is the file with the token that both know this activator by.
	ReportToken string
	// ParkKey is the folder with the key that parked pods are woken with;
	// empty: they are never woken here.
	ParkKey string
	// Kubernetes says how to reach the API server.
	Kubernetes *rest.Config
	Logger     *slog.Logger
}

// Bind makes flags of what can be set on the command line.
func (o *Options) Bind(flags *flag.FlagSet) {
	flags.StringVar(&o.Listen, "listen", ":8080", "address for requests")
	flags.StringVar(&o.AdminListen, "admin-listen", ":8090", "address for /metrics, /healthz and /readyz")
	flags.StringVar(&o.PeerListen, "peer-listen", ":8092", "address for requests that other activators send on")
	flags.BoolVar(&o.AccessLog, "access-log", false, "log every request; PUT /access-log switches it later")
	flags.StringVar(&o.Autoscaler, "autoscaler", "", "host:port of the autoscaler; empty: there is none")
	flags.StringVar(&o.Controller, "controller", "", "host:port at which the controller takes reports; empty: it gets none")
	flags.StringVar(&o.ParkKey, "park-key", "", "folder with the key that wakes parked pods; empty: none is woken")
	flags.StringVar(&o.ReportToken, "report-token", "/var/run/secrets/headway/token", "file with the token for the autoscaler and the controller")
}
