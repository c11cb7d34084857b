package pubsub

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

const orders = "projects/shop/subscriptions/orders"

func config(subscription, endpoint string, key []byte) source.Config {
	return source.Config{
		Name: types.NamespacedName{Namespace: "shop", Name: "in"},
		Spec: v1alpha1.SourceSpec{PubSub: &v1alpha1.PubSubSource{
			Subscription: subscription, Endpoint: endpoint, Credentials: v1alpha1.KeyRef{Name: "google", Key: "key.json"},
		}},
		Secrets: map[string]map[string][]byte{"google": {"key.json": key}},
	}
}

// account is the JSON key of a service account.
func account(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "headway@shop.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "http://169.254.169.254/",
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSettings(t *testing.T) {
	key := account(t)
	for name, tt := range map[string]struct {
		config            source.Config
		endpoint, problem string
	}{
		"Google":              {config(orders, "", key), "pubsub.googleapis.com:443", ""},
		"an emulator":         {config(orders, "emulator:8085", nil), "emulator:8085", ""},
		"an emulator's URL":   {config(orders, "http://emulator:8085", nil), "", `endpoint "http://emulator:8085" must be host:port`},
		"a short name":        {config("orders", "", key), "", `subscription "orders" must be projects/<project>/subscriptions/<name>`},
		"no Secret":           {config(orders, "", nil), "", "the Secret google has no key key.json"},
		"no JSON":             {config(orders, "", []byte("secret")), "", "the key key.json of the Secret google is no JSON key of a service account: "},
		"a user's credential": {config(orders, "", []byte(`{"type":"authorized_user"}`)), "", "the key key.json of the Secret google is no JSON key of a service account: "},
		"no private key":      {config(orders, "", []byte(`{"type":"service_account","private_key":"x"}`)), "", "the key key.json of the Secret google is no JSON key of a service account: "},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := settingsOf(tt.config)
			if tt.problem != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.problem) || !source.IsInvalid(err) {
					t.Fatalf("error %v, want %s", err, tt.problem)
				}
				return
			}
			if err != nil || s.endpoint != tt.endpoint || (s.tokens == nil) != (tt.endpoint != googles) {
				t.Errorf("settings %+v, %v", s, err)
			}
		})
	}
}

// The token is signed here, for Pub/Sub alone; what the key says of a token server
// is not asked.
func TestToken(t *testing.T) {
	s, err := settingsOf(config(orders, "", account(t)))
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.tokens.Token()
	if err != nil {
		t.Fatal(err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(token.AccessToken, ".")[1])
	if err != nil || !strings.Contains(string(claims), `"aud":"https://pubsub.googleapis.com/"`) || !strings.Contains(string(claims), "headway@shop") {
		t.Errorf("claims %s, %v", claims, err)
	}
}

// The endpoint is named in git: it is none of this machine.
func TestServerIsNotTrusted(t *testing.T) {
	s, err := settingsOf(config(orders, "127.0.0.1:1", nil))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := s.connect(outward.Allowed)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sub := asked(conn)
	if _, err := sub.Receive(t.Context(), false); err == nil || !strings.Contains(err.Error(), "127.0.0.1 is no address for a subscription of Pub/Sub") {
		t.Error(err)
	}
}
