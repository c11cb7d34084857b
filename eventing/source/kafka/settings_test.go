package kafka

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

func config(brokers string, encrypted bool, keys map[string]string) source.Config {
	c := source.Config{
		Name: types.NamespacedName{Namespace: "shop", Name: "in"},
		Spec: v1alpha1.SourceSpec{Kafka: &v1alpha1.KafkaSource{Brokers: strings.Split(brokers, ","), Topics: []string{"orders"}, TLS: encrypted}},
	}
	if keys != nil {
		c.Spec.Kafka.Credentials = &corev1.LocalObjectReference{Name: "kafka"}
		c.Secrets = map[string]map[string][]byte{"kafka": {}}
		for key, value := range keys {
			c.Secrets["kafka"][key] = []byte(value)
		}
	}
	return c
}

// certificate is a valid one.
func certificate(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func TestSettings(t *testing.T) {
	ca := certificate(t)
	login := func(mechanism string) map[string]string {
		return map[string]string{"username": "u", "password": "p\n", "mechanism": mechanism}
	}
	for name, tt := range map[string]struct {
		config             source.Config
		mechanism, problem string
	}{
		"open":                  {config("a:9092,b:9092", false, nil), "", ""},
		"SCRAM-SHA-512":         {config("a:9092", true, login("")), "SCRAM-SHA-512", ""},
		"SCRAM-SHA-256":         {config("a:9092", true, login("SCRAM-SHA-256")), "SCRAM-SHA-256", ""},
		"PLAIN":                 {config("a:9092", true, login("PLAIN")), "PLAIN", ""},
		"another mechanism":     {config("a:9092", true, login("GSSAPI")), "", `the Secret kafka has the mechanism "GSSAPI"; it can be PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512`},
		"certificate alone":     {config("a:9092", true, map[string]string{"ca.crt": ca}), "", ""},
		"no certificate":        {config("a:9092", true, map[string]string{"ca.crt": "x"}), "", "the Secret kafka has no certificate in its key ca.crt"},
		"certificate, no TLS":   {config("a:9092", false, map[string]string{"ca.crt": ca}), "", "the Secret kafka has a key ca.crt, and tls is not set"},
		"nothing":               {config("a:9092", true, map[string]string{}), "", "the Secret kafka has no key username"},
		"no password":           {config("a:9092", true, map[string]string{"username": "u"}), "", "the Secret kafka has no key password"},
		"a broker without port": {config("a", false, nil), "", `broker "a" must be host:port`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := settingsOf(tt.config)
			if tt.problem != "" {
				if err == nil || err.Error() != tt.problem || !source.IsInvalid(err) {
					t.Fatalf("error %v, want %s", err, tt.problem)
				}
				return
			}
			mechanism := ""
			if s.mechanism != nil {
				mechanism = s.mechanism.Name()
			}
			if err != nil || mechanism != tt.mechanism || s.group != "headway-shop-in" || !s.latest || (s.tls != nil) != tt.config.Spec.Kafka.TLS {
				t.Errorf("settings %+v, %v", s, err)
			}
			if s.tls != nil && s.tls.MinVersion != tls.VersionTLS12 {
				t.Errorf("TLS %+v", s.tls)
			}
		})
	}
}

// Brokers are named in git: none is of this machine.
func TestServerIsNotTrusted(t *testing.T) {
	err := Kind{Allowed: outward.Allowed}.Run(t.Context(), config("127.0.0.1:1", false, nil), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1 is no address for a broker") {
		t.Error(err)
	}
}

func TestExplain(t *testing.T) {
	for want, tt := range map[string]struct {
		secret string
		err    error
	}{
		"reading records: the brokers refuse the credentials in the Secret kafka: topic a: TOPIC_AUTHORIZATION_FAILED: Not authorized to access topics: [Topic authorization failed.]": {"kafka", fmt.Errorf("topic a: %w", kerr.TopicAuthorizationFailed)},
		"reading records: the brokers refuse a connection without credentials: GROUP_AUTHORIZATION_FAILED: Not authorized to access group: Group authorization failed.":                {"", kerr.GroupAuthorizationFailed},
		"reading records: away": {"kafka", errors.New("away")},
		"reading records: a broker ends the connection, as it does for wrong credentials or tls (it was given the credentials in the Secret kafka): EOF": {"kafka", io.EOF},
	} {
		s := settings{secret: tt.secret}
		if got := s.explain("reading records", tt.err); got.Error() != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := (&settings{}).explain("reading records", nil); err != nil {
		t.Error(err)
	}
}
