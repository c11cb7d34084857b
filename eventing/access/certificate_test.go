package access

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestCertificates is about senders outside who have shown a client certificate, by
// the names that it has.
func TestCertificates(t *testing.T) {
	c := &cluster{secrets: map[string]string{"till": firstKey}}
	allowed := []string{"till.example.com", "spiffe://example.com/till", "ada@example.com", "*.example.org"}
	rule := func(hmac bool) *Rule {
		outside := &v1alpha1.OutsideAccess{SubjectAltNames: allowed}
		if hmac {
			outside.HMAC = v1alpha1.KeyRef{Name: "till", Key: "hmac"}
		}
		return NewRule(nil, channelWith(&v1alpha1.ChannelAccess{Outside: outside}), ordersURL, c.read, time.Now)
	}
	certificates, both := rule(false), rule(true)
	const unsigned = "Events from outside have to be signed"
	for _, tc := range []struct {
		name   string
		rule   *Rule
		names  []string
		status int
		want   string
	}{
		{"a host", certificates, []string{"till.example.com"}, 202, "outside, certificate of till.example.com"},
		{"in large letters", certificates, []string{"Till.Example.COM"}, 202, "outside, certificate of Till.Example.COM"},
		{"a URI", certificates, []string{"spiffe://example.com/till"}, 202, "outside, certificate of spiffe://example.com/till"},
		{"a URI in large letters", certificates, []string{"spiffe://example.com/Till"}, 403, "The client certificate of spiffe://example.com/Till may not send to channel shop/orders."},
		{"a mail address", certificates, []string{"ada@example.com"}, 202, "outside, certificate of ada@example.com"},
		{"one of several", certificates, []string{"a.example.com", "b.example.com", "till.example.com"}, 202, "outside, certificate of till.example.com"},
		{"another", certificates, []string{"mail.example.com"}, 403, "Add one of its names to access.outside.subjectAltNames"},
		{"a part of a name", certificates, []string{"till.example.com.evil.com"}, 403, "may not send"},
		{"what a wildcard does not mean", certificates, []string{"a.example.org"}, 403, "may not send"},
		{"no certificate", certificates, nil, 403, "only over TLS, with a client certificate"},
		{"a certificate in place of a signature", both, []string{"till.example.com"}, 202, "outside, certificate of till.example.com"},
		{"another, and no signature", both, []string{"mail.example.com"}, 401, unsigned},
		{"neither", both, nil, 401, unsigned},
	} {
		got, why := post(WithNames(t.Context(), tc.names), tc.rule, nil, "{}")
		if got != tc.status || !strings.Contains(why, tc.want) {
			t.Errorf("%s: %d: %s; want %d: %s", tc.name, got, why, tc.status, tc.want)
		}
	}
	if got, why := post(t.Context(), both, sign(firstKey, "1", time.Now(), "{}"), "{}"); got != 202 || why != Outside {
		t.Errorf("a signature in place of a certificate: %d: %s", got, why)
	}
	if err := certificates.Check(t.Context()); err != nil || c.looks > 1 {
		t.Errorf("without a key there is nothing to look at: %v, %d looks", err, c.looks)
	}
}
