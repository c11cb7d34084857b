package trace

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// defaultTimeout is the OTLP exporter specification's.
const defaultTimeout = 10 * time.Second

// settings are what the standard environment variables say.
type settings struct {
	sampler  sampler
	endpoint *url.URL // of traces
	header   http.Header
	timeout  time.Duration // for a batch, with all attempts
	gzip     bool
	tls      *tls.Config // nil: the system's
}

// readSettings returns nil if tracing is off. An error names the variable that
// must be changed, and never shows a value that may be secret.
func readSettings(env func(string) string) (*settings, error) {
	either := func(name string) string {
		if v := env("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
			return v
		}
		return env("OTEL_EXPORTER_OTLP_" + name)
	}
	if either("ENDPOINT") == "" || strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return nil, nil
	}
	var s settings
	var errs [5]error
	s.sampler, errs[0] = newSampler(env("OTEL_TRACES_SAMPLER"), env("OTEL_TRACES_SAMPLER_ARG"))
	if errs[0] == nil && s.sampler.never() {
		return nil, nil
	}
	s.endpoint, errs[1] = readEndpoint(env)
	s.header, errs[2] = readHeaders(either("HEADERS"))
	s.timeout, errs[3] = readTimeout(either("TIMEOUT"))
	s.tls, errs[4] = readCertificate(either("CERTIFICATE"))
	protocol, compression := either("PROTOCOL"), either("COMPRESSION")
	s.gzip = compression == "gzip"
	switch {
	case protocol != "" && protocol != "http/protobuf":
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, not %q", protocol)
	case !s.gzip && compression != "" && compression != "none":
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION must be gzip or none, not %q", compression)
	}
	return &s, errors.Join(errs[:]...)
}

func readEndpoint(env func(string) string) (*url.URL, error) {
	const general, ours = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	name := ours
	if env(ours) == "" {
		name = general
	}
	u, err := url.Parse(env(name))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("%s must be an http:// or https:// URL, like http://collector:4318", name)
	}
	if name == general {
		u = u.JoinPath("v1/traces")
	}
	return u, nil
}

// readHeaders reads a list of name=value with values in percent-coding.
func readHeaders(list string) (http.Header, error) {
	h := http.Header{}
	for i, item := range strings.Split(list, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		name, value, ok := strings.Cut(item, "=")
		plain, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || name == "" || err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: item %d is not name=value", i+1)
		}
		h.Set(name, plain)
	}
	return h, nil
}

func readTimeout(milliseconds string) (time.Duration, error) {
	if milliseconds == "" {
		return defaultTimeout, nil
	}
	n, err := strconv.Atoi(milliseconds)
	if err != nil || n <= 0 || n > int(time.Hour/time.Millisecond) {
		return 0, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT must be a number of milliseconds, not %q", milliseconds)
	}
	return time.Duration(n) * time.Millisecond, nil
}

// readCertificate makes the authorities in file the only ones.
func readCertificate(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %s has no certificate in PEM", file)
	}
	return &tls.Config{RootCAs: pool}, nil
}
