package signature

import (
	"net/http"
	"testing"
	"time"
)

func TestHex(t *testing.T) {
	// The example of GitHub's documentation, "Validating webhook deliveries".
	const secret, body, sum = "It's a Secret to Everybody", "Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	for _, tc := range []struct {
		name, value, body, key string
		want                   bool
	}{
		{"GitHub", "sha256=" + sum, body, secret, true},
		{"Gitea", sum, body, secret, true},
		{"another body", sum, body + " ", secret, false},
		{"another key", sum, body, secret + " ", false},
		{"SHA-1", "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59", body, secret, false},
		{"half of it", sum[:32], body, secret, false},
		{"no hexadecimal", "sha256=" + sum[:63] + "g", body, secret, false},
		{"none", "", body, secret, false},
		{"without a key", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad", "", "", false},
	} {
		if got := Hex(tc.value, []byte(tc.body), []byte(tc.key)); got != tc.want {
			t.Errorf("%s: got %t", tc.name, got)
		}
	}
}

func TestSame(t *testing.T) {
	for _, tc := range []struct {
		value, secret string
		want          bool
	}{{"abc", "abc", true}, {"abd", "abc", false}, {"ab", "abc", false}, {"", "abc", false}, {"", "", false}} {
		if got := Same(tc.value, []byte(tc.secret)); got != tc.want {
			t.Errorf("%q, %q: got %t", tc.value, tc.secret, got)
		}
	}
}

// TestStandard has the vector that the libraries of Standard Webhooks share.
func TestStandard(t *testing.T) {
	const token, right = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	sent := time.Unix(1614265330, 0)
	for _, tc := range []struct {
		name, id, at, sum, token string
		now                      time.Time
		want                     bool
	}{
		{"right", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", right, token, sent, true},
		{"one of several", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1a,x v1,AAAA " + right, token, sent.Add(5 * time.Minute), true},
		{"old", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", right, token, sent.Add(5*time.Minute + 1), false},
		{"of the future", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", right, token, sent.Add(-5*time.Minute - 1), false},
		{"another id", "msg_p5jXN8AQM9LWM0D4loKWxJel", "1614265330", right, token, sent, false},
		{"no id", "", "1614265330", right, token, sent, false},
		{"another time", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265331", right, token, sent, false},
		{"another version", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v2" + right[2:], token, sent, false},
		{"no signing token", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", right, token[6:], sent, false},
	} {
		header := http.Header{}
		header.Set("webhook-id", tc.id)
		header.Set("webhook-timestamp", tc.at)
		header.Set("webhook-signature", tc.sum)
		if got := Standard(header, []byte(`{"test": 2432232314}`), []byte(tc.token), tc.now); got != tc.want {
			t.Errorf("%s: got %t", tc.name, got)
		}
	}
}
