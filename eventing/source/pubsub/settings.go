package pubsub

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/credentials/oauth"
	"google.golang.org/grpc/keepalive"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/eventing/source"
)

const (
	googles = "pubsub.googleapis.com:443"
	// audience of the tokens that a service account signs itself, which Google's
	// APIs take without a token server: https://google.aip.dev/auth/4111
	audience = "https://pubsub.googleapis.com/"
	// maxAnswer is how many bytes of messages come at once; the largest message of
	// Pub/Sub is 10 MB.
	maxAnswer = 32 << 20
)

var subscriptionName = regexp.MustCompile(`^projects/[^/]+/subscriptions/[^/]+$`)

// settings are what a connection is made from.
type settings struct {
	subscription string
	secret       string // name of the Secret
	endpoint     string
	tokens       oauth2.TokenSource // nil for an emulator
}

// settingsOf returns an *source.Invalid for what has to be changed.
func settingsOf(c source.Config) (settings, error) {
	spec := c.Spec.PubSub
	if !subscriptionName.MatchString(spec.Subscription) {
		return settings{}, &source.Invalid{Reason: fmt.Sprintf("subscription %q must be projects/<project>/subscriptions/<name>", spec.Subscription)}
	}
	s := settings{subscription: spec.Subscription, secret: spec.Credentials.Name, endpoint: spec.Endpoint}
	if s.endpoint != "" {
		if host, port, err := net.SplitHostPort(s.endpoint); err != nil || host == "" || port == "" {
			return settings{}, &source.Invalid{Reason: fmt.Sprintf("endpoint %q must be host:port", s.endpoint)}
		}
		return s, nil
	}
	s.endpoint = googles
	key := c.Secrets[s.secret][spec.Credentials.Key]
	if len(key) == 0 {
		return settings{}, &source.Invalid{Reason: fmt.Sprintf("the Secret %s has no key %s", s.secret, spec.Credentials.Key)}
	}
	var err error
	if s.tokens, err = google.JWTAccessTokenSourceFromJSON(key, audience); err != nil {
		return settings{}, &source.Invalid{Reason: fmt.Sprintf("the key %s of the Secret %s is no JSON key of a service account: %v", spec.Credentials.Key, s.secret, err)}
	}
	return s, nil
}

// connect makes a connection that is set up when it is used. It uses no proxy.
func (s settings) connect(allowed func(netip.Addr) bool) (*grpc.ClientConn, error) {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second, Control: outward.Control(allowed, "a subscription of Pub/Sub")}
	options := []grpc.DialOption{
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", address)
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: time.Second, Multiplier: 2, Jitter: 0.2, MaxDelay: 20 * time.Second},
			MinConnectTimeout: 10 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute}), // as Google's library; servers refuse less
		grpc.WithDisableServiceConfig(),                                             // nothing is tried again by itself
		grpc.WithUserAgent("headway-eventing"),
	}
	if s.tokens == nil {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	} else {
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})),
			grpc.WithPerRPCCredentials(oauth.TokenSource{TokenSource: s.tokens}))
	}
	return grpc.NewClient("passthrough:///"+s.endpoint, options...)
}
