// Command eventing keeps events and delivers them.
package main

import (
	"context"
	"flag"

	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/cmd/program"
)

func main() {
	var f flags
	f.register(flag.CommandLine)
	flag.Parse()
	program.Main(func(ctx context.Context) error { return run(ctx, f) })
}

// flags are the program's settings.
type flags struct {
	manager.Flags
	data, listen, listenOutside, outsideURL, activator string
	listenTLS, certificate                             string
	replicas                                           int
	peers, password                                    string
	nats, credentials                                  string
}

func (f *flags) register(set *flag.FlagSet) {
	set.StringVar(&f.data, "data", "/data", "folder for events and for how far each subscription is; nothing of it can be had again from elsewhere")
	set.StringVar(&f.listen, "listen", ":8080", "address for events, POST /<namespace>/<channel>, which must not be reached from outside of the cluster")
	set.StringVar(&f.listenOutside, "listen-outside", "", "address for events of senders who sign, which may be reached from outside of the cluster; empty: none")
	set.StringVar(&f.listenTLS, "listen-outside-tls", "", "the same over TLS; empty: none")
	set.StringVar(&f.certificate, "certificate", "", "`folder` with tls.crt and tls.key for it, and ca.crt, the authorities of client certificates that are taken; they are followed when they change")
	set.StringVar(&f.outsideURL, "outside-url", "", "`URL` by which that address is reached, such as https://events.example.com; it makes the URLs that are shown")
	set.StringVar(&f.activator, "activator", "http://headway-activator.headway-system", "URL of the activators' Service, by which events reach apps")
	set.IntVar(&f.replicas, "replicas", 1, "on how many servers an event is before it is accepted: 3 pods of this program, or, with --nats-url, what that can do")
	set.StringVar(&f.peers, "peers", "", "domain of the headless Service of these pods, by which they find each other; with --replicas=3")
	set.StringVar(&f.password, "password-file", "", "file with the password that these pods have in common")
	set.StringVar(&f.nats, "nats-url", "", "URL of a NATS server, or of several, separated by commas, that keep the events in place of this program")
	set.StringVar(&f.credentials, "nats-credentials", "", "file with the credentials for it")
	f.Register(set, ":8086", ":8087")
}
