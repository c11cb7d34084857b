package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/intake"
)

// Keys of the Secret.
const (
	keyUser      = "username"
	keyPassword  = "password"
	keyMechanism = "mechanism"
	keyCA        = "ca.crt"
)

const (
	fromLatest = "latest"
	// sessions end so long after the last heartbeat: only then are the partitions
	// of a process that was killed given to its successor.
	session = 10 * time.Second
	// maxFetch is how many bytes of records come at once, and maxAnswer how many
	// in all, and unpacked: a record is at least fetched alone, if it is larger.
	maxFetch  = 8 << 20
	maxAnswer = 64 << 20
)

// settings are what a client is made from.
type settings struct {
	brokers, topics []string
	group           string
	latest          bool
	secret          string // name of the Secret; "": none
	tls             *tls.Config
	mechanism       sasl.Mechanism
}

// settingsOf returns an *source.Invalid for what has to be changed.
func settingsOf(c source.Config) (settings, error) {
	spec := c.Spec.Kafka
	s := settings{brokers: spec.Brokers, topics: spec.Topics, group: spec.Group, latest: spec.From == "" || spec.From == fromLatest}
	if s.group == "" {
		s.group = "headway-" + c.Name.Namespace + "-" + c.Name.Name
	}
	for _, broker := range s.brokers {
		if host, port, err := net.SplitHostPort(broker); err != nil || host == "" || port == "" {
			return settings{}, &source.Invalid{Reason: fmt.Sprintf("broker %q must be host:port", broker)}
		}
	}
	if spec.TLS {
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if spec.Credentials == nil {
		return s, nil
	}
	s.secret = spec.Credentials.Name
	return s, s.read(c.Secrets[s.secret])
}

// read takes what the Secret has.
func (s *settings) read(keys map[string][]byte) error {
	invalid := func(format string, args ...any) error {
		return &source.Invalid{Reason: "the Secret " + s.secret + " " + fmt.Sprintf(format, args...)}
	}
	if ca := keys[keyCA]; len(ca) > 0 {
		if s.tls == nil {
			return invalid("has a key %s, and tls is not set", keyCA)
		}
		s.tls.RootCAs = x509.NewCertPool()
		if !s.tls.RootCAs.AppendCertsFromPEM(ca) {
			return invalid("has no certificate in its key %s", keyCA)
		}
	}
	trimmed := func(key string) string { return strings.TrimSpace(string(keys[key])) }
	user, password := trimmed(keyUser), trimmed(keyPassword)
	switch {
	case user == "" && password == "" && len(keys[keyCA]) > 0:
		return nil
	case user == "":
		return invalid("has no key %s", keyUser)
	case password == "":
		return invalid("has no key %s", keyPassword)
	}
	switch said := trimmed(keyMechanism); said {
	case "", "SCRAM-SHA-512":
		s.mechanism = scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	case "SCRAM-SHA-256":
		s.mechanism = scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case "PLAIN":
		s.mechanism = plain.Auth{User: user, Pass: password}.AsMechanism()
	default:
		return invalid("has the %s %q; it can be PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", keyMechanism, said)
	}
	return nil
}

// options are those of every client: brokers are connected to at allowed addresses
// only, also those that other brokers name.
func (s *settings) options(allowed func(netip.Addr) bool) []kgo.Opt {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second, Control: outward.Control(allowed, "a broker")}
	dial := dialer.DialContext
	if s.tls != nil {
		dial = (&tls.Dialer{NetDialer: dialer, Config: s.tls}).DialContext
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(s.brokers...),
		kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			return dial(ctx, network, address)
		}),
		kgo.ClientID("headway"), kgo.DisableClientMetrics(),
		kgo.BrokerMaxReadBytes(maxAnswer), kgo.MaxDecompressBatchBytes(maxAnswer),
		kgo.RequestTimeoutOverhead(intake.Patience), kgo.RetryTimeout(intake.Patience), kgo.RequestRetries(2),
	}
	if s.mechanism != nil {
		options = append(options, kgo.SASL(s.mechanism))
	}
	return options
}

// consumer is the client that reads records. A partition without an offset of the
// group is read from its beginning: begin has committed the others.
func (s *settings) consumer(allowed func(netip.Addr) bool) (*kgo.Client, error) {
	return kgo.NewClient(append(s.options(allowed),
		kgo.ConsumerGroup(s.group), kgo.ConsumeTopics(s.topics...),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(session),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(maxFetch), kgo.MaxConcurrentFetches(2),
	)...)
}
