package sqs

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/eventing/source"
)

// Keys of the Secret.
const (
	keyID     = "accessKeyID"
	keySecret = "secretAccessKey"
	keyToken  = "sessionToken"
)

// settings are what a client is made from.
type settings struct {
	queue       string // its URL
	endpoint    string // scheme and host of it
	region      string
	credentials aws.Credentials
	secret      string // name of the Secret
}

// settingsOf returns an *source.Invalid for what has to be changed.
func settingsOf(c source.Config) (settings, error) {
	spec := c.Spec.SQS
	at, err := url.Parse(spec.Queue)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" || strings.Trim(at.Path, "/") == "" {
		return settings{}, &source.Invalid{Reason: fmt.Sprintf("queue %q is no URL of a queue, such as https://sqs.eu-central-1.amazonaws.com/123456789012/orders", spec.Queue)}
	}
	s := settings{queue: spec.Queue, endpoint: at.Scheme + "://" + at.Host, region: spec.Region, secret: spec.Credentials.Name}
	if s.region == "" {
		s.region = regionOf(at.Hostname())
	}
	if s.region == "" {
		return settings{}, &source.Invalid{Reason: fmt.Sprintf("the host %s does not say its region: set region", at.Hostname())}
	}
	keys := c.Secrets[s.secret]
	for _, key := range []string{keyID, keySecret} {
		if strings.TrimSpace(string(keys[key])) == "" {
			return settings{}, &source.Invalid{Reason: fmt.Sprintf("the Secret %s has no key %s", s.secret, key)}
		}
	}
	trimmed := func(key string) string { return strings.TrimSpace(string(keys[key])) }
	s.credentials = aws.Credentials{AccessKeyID: trimmed(keyID), SecretAccessKey: trimmed(keySecret), SessionToken: trimmed(keyToken)}
	return s, nil
}

// regions are the hosts of Amazon's queues: today's, those of private endpoints,
// and older ones.
var regions = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|\.)sqs(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$`),
	regexp.MustCompile(`^([a-z0-9-]+)\.queue\.amazonaws\.com(?:\.cn)?$`),
}

// regionOf is what a host says, or "".
func regionOf(host string) string {
	for _, form := range regions {
		if found := form.FindStringSubmatch(strings.ToLower(host)); found != nil {
			return found[1]
		}
	}
	return ""
}

// client speaks to the host of the queue only, uses no proxy, follows no redirect
// and tries nothing again by itself, so that failures are told when they happen.
func (s settings) client(allowed func(netip.Addr) bool) *sqs.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second, Control: outward.Control(allowed, "a queue")}
	return sqs.New(sqs.Options{
		BaseEndpoint: &s.endpoint,
		Region:       s.region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return s.credentials, nil
		}),
		Retryer: aws.NopRetryer{},
		HTTPClient: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: bounded{&http.Transport{
				DialContext:            dialer.DialContext,
				TLSHandshakeTimeout:    5 * time.Second,
				MaxIdleConnsPerHost:    10,
				IdleConnTimeout:        90 * time.Second,
				MaxResponseHeaderBytes: 64 << 10,
			}},
		},
	})
}

// maxAnswer is how much of an answer is read: ten messages of 1 MiB, the largest
// that SQS has, in JSON.
const maxAnswer = 32 << 20

// bounded reads no more than maxAnswer of an answer, as whoever may push names
// the server, and this process serves others, too.
type bounded struct{ transport http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.transport.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	}
	return answer, err
}
