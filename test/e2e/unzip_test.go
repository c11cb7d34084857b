//go:build e2e

package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
)

// Where the stand-ins of S3 and SQS listen: on the node's address, which pods and
// eventing reach.
const (
	s3Address  = layout.NodeIP + ":9000"
	sqsAddress = layout.NodeIP + ":9324"
)

// TestUnzip pushes examples/unzip: the message about a zip wakes its parked pod,
// and the files appear. Also when eventing is killed meanwhile; and what is no zip
// becomes a dead letter.
func TestUnzip(t *testing.T) {
	tm := newTeam(t)
	a := tm.startAmazon("uploads", "files")
	tm.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "unzip-aws"},
		StringData: map[string]string{"accessKeyID": "AKIAHEADWAY", "secretAccessKey": "secret"},
	})
	tm.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "unzip"}, Data: map[string]string{"endpoint": "http://" + s3Address}})
	code := tm.clone("unzip")
	code.edit("headway.yaml", "https://sqs.eu-central-1.amazonaws.com/123456789012/uploads", a.queue+"\n    region: eu-central-1")
	commit := code.push("First")
	code.watch()
	tm.waitLive("unzip", commit)
	tm.waitDelivering("unzip-zips")
	tm.waitTaking("uploads")
	revision := revisionName("unzip", commit)
	parked := tm.waitParked(revision)

	begin := time.Now()
	a.upload("first.zip", map[string]string{"a.txt": "one", "b/c.txt": "two"})
	a.wantFile("first/a.txt", "one")
	a.wantFile("first/b/c.txt", "two")
	t.Logf("expanded %s after it was uploaded", time.Since(begin).Round(time.Millisecond))
	tm.waitWoken(revision, parked.Name)

	const zips = 20
	for i := range zips {
		a.upload(fmt.Sprintf("%d.zip", i), map[string]string{"n": fmt.Sprint(i)})
		if i == zips/2 && killProgram(t, "/headway/eventing") == 0 {
			t.Error("eventing was not killed")
		}
	}
	a.put("uploads/broken.zip", []byte("this is no zip"))
	a.notify("broken.zip")
	for i := range zips {
		a.wantFile(fmt.Sprintf("%d/n", i), fmt.Sprint(i))
	}
	tm.waitCounted("unzip-zips", 1)
}

// waitTaking waits until a source takes events.
func (tm *team) waitTaking(name string) {
	tm.Helper()
	eventually(tm.T, 2*soon, "source "+name+" takes events", func() error {
		s := &v1alpha1.Source{}
		if err := tm.get(name, s); err != nil {
			return err
		}
		return condition(s.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonTaking)
	})
}

// amazon are the stand-ins of S3 and SQS.
type amazon struct {
	*testing.T
	queue string // URL
}

// startAmazon runs them, with these buckets and a queue, until the test ends.
func (tm *team) startAmazon(buckets ...string) *amazon {
	tm.Helper()
	program := filepath.Join(tm.TempDir(), "standin")
	build := exec.CommandContext(tm.Context(), "go", "build", "-mod=mod", "-o", program, "./standin")
	build.Dir = filepath.Join(root, "test", "sources")
	if out, err := build.CombinedOutput(); err != nil {
		tm.Fatalf("compiling the stand-ins: %v\n%s", err, out)
	}
	run := exec.Command(program, "-s3="+s3Address, "-sqs="+sqsAddress)
	if err := run.Start(); err != nil {
		tm.Fatal(err)
	}
	tm.Cleanup(func() {
		_ = run.Process.Signal(syscall.SIGTERM)
		_ = run.Wait()
	})
	a := &amazon{tm.T, "http://" + sqsAddress + "/100010001000/" + tm.namespace}
	eventually(tm.T, soon, "S3 and SQS answer", func() error {
		return errors.Join(a.try(http.MethodPut, buckets[0], nil), a.tryQueue("CreateQueue", map[string]any{"QueueName": tm.namespace}))
	})
	for _, bucket := range buckets[1:] {
		a.put(bucket, nil)
	}
	return a
}

// try sends a request to S3.
func (a *amazon) try(method, path string, body []byte) error {
	request, err := http.NewRequestWithContext(a.Context(), method, "http://"+s3Address+"/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	return ask(request)
}

func (a *amazon) put(path string, body []byte) {
	a.Helper()
	if err := a.try(http.MethodPut, path, body); err != nil {
		a.Fatal(err)
	}
}

// tryQueue calls an action of SQS.
func (a *amazon) tryQueue(action string, in map[string]any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(a.Context(), http.MethodPost, "http://"+sqsAddress, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	return ask(request)
}

func ask(request *http.Request) error {
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s: %s", request.URL, answer.Status, text)
	}
	return nil
}

// upload puts a zip into the bucket, and S3's notification of it into the queue.
func (a *amazon) upload(key string, files map[string]string) {
	a.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, text := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			a.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		a.Fatal(err)
	}
	a.put("uploads/"+key, out.Bytes())
	a.notify(key)
}

func (a *amazon) notify(key string) {
	a.Helper()
	message := fmt.Sprintf(`{"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1", "eventTime": "2026-05-04T12:00:00.000Z",
		"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "uploads"}, "object": {"key": %q}}}]}`, url.QueryEscape(key))
	if err := a.tryQueue("SendMessage", map[string]any{"QueueUrl": a.queue, "MessageBody": message}); err != nil {
		a.Fatal(err)
	}
}

// wantFile waits for a file with a text in the bucket of files.
func (a *amazon) wantFile(key, text string) {
	a.Helper()
	eventually(a.T, 3*soon, key+" is there", func() error {
		request, err := http.NewRequestWithContext(a.Context(), http.MethodGet, "http://"+s3Address+"/files/"+key, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != http.StatusOK || string(body) != text {
			return fmt.Errorf("%s: %s, %v", answer.Status, strings.TrimSpace(string(body)), err)
		}
		return nil
	})
}
