package sources

import (
	"maps"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/kafka"
)

const consumers = "headway-shop-in"

// kafkaServer is a cluster of kfake with one broker.
type kafkaServer struct {
	*kfake.Cluster
	client   *kgo.Client
	listener *listener
}

// listener breaks off connections while it is away.
type listener struct {
	net.Listener
	mu    sync.Mutex
	away  bool
	conns []net.Conn
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		conn.Close()
	}
	l.conns = append(l.conns, conn)
	return conn, nil
}

func startKafka(t *testing.T) server {
	t.Helper()
	s := &kafkaServer{}
	var err error
	s.Cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "orders"),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "shop", "secret"),
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			inner, err := net.Listen(network, address)
			s.listener = &listener{Listener: inner}
			return s.listener, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	s.client, err = kgo.NewClient(kgo.SeedBrokers(s.ListenAddrs()...), kgo.SASL(scram.Auth{User: "shop", Pass: "secret"}.AsSha512Mechanism()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	return s
}

func (s *kafkaServer) config() source.Config {
	return source.Config{
		Name: types.NamespacedName{Namespace: "shop", Name: "in"},
		Spec: v1alpha1.SourceSpec{Kafka: &v1alpha1.KafkaSource{
			Brokers: s.ListenAddrs(), Topics: []string{"orders"}, From: "earliest", Credentials: &corev1.LocalObjectReference{Name: "kafka"},
		}},
		Secrets: map[string]map[string][]byte{"kafka": {"username": []byte("shop"), "password": []byte("secret")}},
	}
}

func (s *kafkaServer) refused() (source.Config, string) {
	c := s.config()
	c.Secrets["kafka"]["password"] = []byte("other")
	return c, "wrong credentials or tls (it was given the credentials in the Secret kafka): EOF" // kfake says no more
}

func (s *kafkaServer) send(t *testing.T, texts []string) {
	t.Helper()
	var records []*kgo.Record
	for _, text := range texts {
		records = append(records, &kgo.Record{Topic: "orders", Value: []byte(text)})
	}
	if err := s.client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func (s *kafkaServer) left(*testing.T) int {
	left := 0
	for _, p := range s.PartitionInfos("orders") {
		left += int(p.HighWatermark)
	}
	if group := s.GroupInfo(consumers); group != nil {
		for commit := range maps.Values(group.Commits["orders"]) {
			left -= int(commit.Offset)
		}
	}
	return left
}

// elapse has members leave as if their sessions had ended.
func (s *kafkaServer) elapse() {
	group := s.GroupInfo(consumers)
	if group == nil {
		return
	}
	for _, m := range group.Members {
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group, leave.MemberID = consumers, m.MemberID
		member := kmsg.NewLeaveGroupRequestMember()
		member.MemberID = m.MemberID
		leave.Members = append(leave.Members, member)
		leave.RequestWith(s.client.Context(), s.client)
	}
}

func (s *kafkaServer) away(away bool) {
	s.listener.mu.Lock()
	defer s.listener.mu.Unlock()
	s.listener.away = away
	for _, conn := range s.listener.conns {
		if away {
			conn.Close()
		}
	}
	s.listener.conns = slices.Clip(s.listener.conns[:0])
}

// A new group that begins with the latest records gets all that come after it has
// begun, also those that a run had in hand which ended before its first commit.
func TestKafkaLatest(t *testing.T) {
	s := startKafka(t).(*kafkaServer)
	s.send(t, texts("before", 30))
	c := s.config()
	c.Spec.Kafka.From = "latest"
	run := kafka.Kind{Allowed: everywhere}.Run
	first, stop := begin(t, run, c)
	first.tells(t, "<nil>")
	stop()
	s.send(t, texts("between", 30))
	second, stop := begin(t, run, c)
	until(t, "what came since is kept", func() bool { return second.count() == 30 && s.left(t) == 0 })
	stop()
	if second.kept["between-0029"] != 1 || second.kept["before-0029"] != 0 {
		t.Errorf("kept %v", second.kept)
	}
}

func TestKafkaTopicMissing(t *testing.T) {
	s := startKafka(t).(*kafkaServer)
	c := s.config()
	c.Spec.Kafka.Topics = []string{"orders", "returns"}
	w, stop := begin(t, kafka.Kind{Allowed: everywhere}.Run, c)
	w.tells(t, "looking at the topics: topic returns: UNKNOWN_TOPIC_OR_PARTITION")
	stop()
}
