package sources

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Admiral-Piett/goaws/app/gosqs"
	"github.com/Admiral-Piett/goaws/app/models"
	"github.com/Admiral-Piett/goaws/app/router"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

const accessKey = "AKIAHEADWAY"

// sqsServer is goaws behind what it lacks: it checks no credentials, and cannot
// change the visibility of several messages at once.
type sqsServer struct {
	*httptest.Server
	queue string // name
	goaws http.Handler
	gone  atomic.Bool
}

var queues atomic.Int64

func startSQS(t *testing.T) server {
	logrus.SetOutput(io.Discard)
	s := &sqsServer{queue: fmt.Sprintf("queue%d", queues.Add(1)), goaws: router.New()}
	s.Server = httptest.NewServer(s)
	quit := make(chan bool)
	go gosqs.PeriodicTasks(20*time.Millisecond, quit)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		close(quit)
	})
	s.call(t, "CreateQueue", map[string]any{"QueueName": s.queue})
	return s
}

func (s *sqsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.gone.Load() {
		panic(http.ErrAbortHandler)
	}
	if !strings.Contains(r.Header.Get("Authorization"), "Credential="+accessKey+"/") {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, `{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}`)
		return
	}
	if r.Header.Get("X-Amz-Target") != "AmazonSQS.ChangeMessageVisibilityBatch" {
		s.goaws.ServeHTTP(w, r)
		return
	}
	var batch struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []map[string]any
	}
	json.NewDecoder(r.Body).Decode(&batch)
	answer := map[string][]map[string]any{}
	for _, entry := range batch.Entries {
		entry["QueueUrl"] = batch.QueueURL
		if s.ask("ChangeMessageVisibility", entry).Code == http.StatusOK {
			answer["Successful"] = append(answer["Successful"], map[string]any{"Id": entry["Id"]})
		} else {
			answer["Failed"] = append(answer["Failed"], map[string]any{"Id": entry["Id"], "SenderFault": true, "Code": "MessageNotInflight"})
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	json.NewEncoder(w).Encode(answer)
}

// ask has goaws answer a request of the JSON protocol.
func (s *sqsServer) ask(action string, in map[string]any) *httptest.ResponseRecorder {
	body, _ := json.Marshal(in)
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	w := httptest.NewRecorder()
	s.goaws.ServeHTTP(w, r)
	return w
}

func (s *sqsServer) call(t *testing.T, action string, in map[string]any) {
	t.Helper()
	if w := s.ask(action, in); w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", action, w.Code, w.Body)
	}
}

func (s *sqsServer) url() string { return s.URL + "/123456789012/" + s.queue }

func (s *sqsServer) config() source.Config {
	return source.Config{
		Name: types.NamespacedName{Namespace: "shop", Name: "in"},
		Spec: v1alpha1.SourceSpec{SQS: &v1alpha1.SQSSource{Queue: s.url(), Region: "eu-1", Credentials: corev1.LocalObjectReference{Name: "aws"}}},
		Secrets: map[string]map[string][]byte{
			"aws": {"accessKeyID": []byte(accessKey), "secretAccessKey": []byte("secret")},
		},
	}
}

func (s *sqsServer) refused() (source.Config, string) {
	c := s.config()
	c.Secrets["aws"]["accessKeyID"] = []byte("AKIAOTHER")
	return c, "AWS refuses the credentials in the Secret aws (UnrecognizedClientException: The security token included in the request is invalid.)"
}

func (s *sqsServer) send(t *testing.T, texts []string) {
	t.Helper()
	for _, text := range texts {
		s.call(t, "SendMessage", map[string]any{"QueueUrl": s.url(), "MessageBody": text})
	}
}

func (s *sqsServer) left(*testing.T) int {
	models.SyncQueues.RLock()
	defer models.SyncQueues.RUnlock()
	return len(models.SyncQueues.Queues[s.queue].Messages)
}

func (s *sqsServer) elapse() {
	models.SyncQueues.Lock()
	defer models.SyncQueues.Unlock()
	messages := models.SyncQueues.Queues[s.queue].Messages
	for i := range messages {
		messages[i].VisibilityTimeout = time.Now()
	}
}

func (s *sqsServer) away(away bool) {
	s.gone.Store(away)
	if away {
		s.CloseClientConnections()
	}
}
