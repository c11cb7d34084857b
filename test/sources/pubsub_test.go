package sources

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

const (
	topic        = "projects/shop/topics/orders"
	subscription = "projects/shop/subscriptions/orders"
	foreign      = "projects/shop/subscriptions/foreign"
)

// pubsubServer is Google's own server for tests, behind a proxy that can break
// off connections. It knows no credentials, so that one subscription is refused.
type pubsubServer struct {
	*pstest.Server
	proxy  *proxy
	passed atomic.Int64 // time that the test let pass
}

// denied refuses the foreign subscription.
type denied struct{}

func (denied) React(request any) (bool, any, error) {
	if request.(*pubsubpb.PullRequest).Subscription == foreign {
		return true, &pubsubpb.PullResponse{}, status.Error(codes.PermissionDenied, "User not authorized to perform this action.")
	}
	return false, nil, nil
}

func startPubSub(t *testing.T) server {
	s := &pubsubServer{Server: pstest.NewServer(pstest.ServerReactorOption{FuncName: "Pull", Reactor: denied{}})}
	s.SetTimeNowFunc(func() time.Time { return time.Now().Add(time.Duration(s.passed.Load())) })
	s.proxy = startProxy(t, s.Addr)
	t.Cleanup(func() { s.Close() })
	for _, make := range []func() error{
		func() error {
			_, err := s.GServer.CreateTopic(context.Background(), &pubsubpb.Topic{Name: topic})
			return err
		},
		func() error {
			_, err := s.GServer.CreateSubscription(context.Background(), &pubsubpb.Subscription{Name: subscription, Topic: topic, AckDeadlineSeconds: 10})
			return err
		},
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *pubsubServer) config() source.Config {
	return source.Config{
		Name: types.NamespacedName{Namespace: "shop", Name: "in"},
		Spec: v1alpha1.SourceSpec{PubSub: &v1alpha1.PubSubSource{
			Subscription: subscription, Endpoint: s.proxy.addr(), Credentials: v1alpha1.KeyRef{Name: "google", Key: "key.json"},
		}},
	}
}

func (s *pubsubServer) refused() (source.Config, string) {
	c := s.config()
	c.Spec.PubSub.Subscription = foreign
	return c, "Google refuses the credentials in the Secret google (PermissionDenied: User not authorized to perform this action.)"
}

func (s *pubsubServer) send(_ *testing.T, texts []string) {
	for _, text := range texts {
		s.Publish(topic, []byte(text), nil)
	}
}

func (s *pubsubServer) left(*testing.T) int {
	left := 0
	for _, m := range s.Messages() {
		if m.Acks == 0 {
			left++
		}
	}
	return left
}

// elapse: a deadline is extended by 24 s. The server forgets messages after 10
// minutes, which 20 kills must not take.
func (s *pubsubServer) elapse() { s.passed.Add(int64(25 * time.Second)) }

func (s *pubsubServer) away(away bool) { s.proxy.setAway(away) }
