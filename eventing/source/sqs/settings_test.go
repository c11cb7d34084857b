package sqs

import (
	"io"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

func config(queue, region string, keys map[string][]byte) source.Config {
	return source.Config{
		Name: types.NamespacedName{Namespace: "shop", Name: "in"},
		Spec: v1alpha1.SourceSpec{SQS: &v1alpha1.SQSSource{
			Queue: queue, Region: region, Credentials: corev1.LocalObjectReference{Name: "aws"},
		}},
		Secrets: map[string]map[string][]byte{"aws": keys},
	}
}

var keys = map[string][]byte{keyID: []byte("AKIA"), keySecret: []byte("secret\n")}

func TestSettings(t *testing.T) {
	const frankfurt = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"
	for name, tt := range map[string]struct {
		config                    source.Config
		endpoint, region, problem string
	}{
		"Amazon":             {config(frankfurt, "", keys), "https://sqs.eu-central-1.amazonaws.com", "eu-central-1", ""},
		"China":              {config("https://sqs.cn-north-1.amazonaws.com.cn/1/a", "", keys), "https://sqs.cn-north-1.amazonaws.com.cn", "cn-north-1", ""},
		"a private endpoint": {config("https://vpce-0a1-b2.sqs.us-east-1.vpce.amazonaws.com/1/a", "", keys), "https://vpce-0a1-b2.sqs.us-east-1.vpce.amazonaws.com", "us-east-1", ""},
		"an old host":        {config("https://us-west-2.queue.amazonaws.com/1/a", "", keys), "https://us-west-2.queue.amazonaws.com", "us-west-2", ""},
		"dual stack":         {config("https://sqs.us-west-2.api.aws/1/a", "", keys), "https://sqs.us-west-2.api.aws", "us-west-2", ""},
		"another server":     {config("http://elasticmq:9324/queue/a", "eu-1", keys), "http://elasticmq:9324", "eu-1", ""},
		"region unknown":     {config("http://elasticmq:9324/queue/a", "", keys), "", "", "the host elasticmq does not say its region: set region"},
		"no queue":           {config("https://sqs.eu-central-1.amazonaws.com/", "", keys), "", "", `queue "https://sqs.eu-central-1.amazonaws.com/" is no URL of a queue, such as https://sqs.eu-central-1.amazonaws.com/123456789012/orders`},
		"no Secret":          {config(frankfurt, "", nil), "", "", "the Secret aws has no key accessKeyID"},
		"half a Secret":      {config(frankfurt, "", map[string][]byte{keyID: []byte("AKIA"), keySecret: []byte(" \n")}), "", "", "the Secret aws has no key secretAccessKey"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := settingsOf(tt.config)
			if tt.problem != "" {
				if err == nil || err.Error() != tt.problem || !source.IsInvalid(err) {
					t.Fatalf("error %v, want %s", err, tt.problem)
				}
				return
			}
			if err != nil || s.endpoint != tt.endpoint || s.region != tt.region || s.credentials.SecretAccessKey != "secret" {
				t.Errorf("settings %+v, %v", s, err)
			}
		})
	}
}

// The server of a queue is named in git: it is none of this machine.
func TestServerIsNotTrusted(t *testing.T) {
	s, err := settingsOf(config("http://127.0.0.1:1/queue/a", "eu-1", keys))
	if err != nil {
		t.Fatal(err)
	}
	q := &queue{api: s.client(outward.Allowed), url: s.queue, secret: "aws"}
	if _, err := q.Receive(t.Context(), false); err == nil || !strings.Contains(err.Error(), "127.0.0.1 is no address for a queue") {
		t.Error(err)
	}
}

// endless answers with zeros, and never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{Body: io.NopCloser(endless{})}, nil
}

func TestAnswerIsBounded(t *testing.T) {
	answer, err := bounded{endless{}}.RoundTrip(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); n != maxAnswer || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}
