//go:build e2e

package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// TestSends: an app sends with its token to a channel that asks for one; an app of
// another namespace with a token for the same channel is refused, and so is whoever
// shows none. People send by the API server, and senders outside by a signature.
func TestSends(t *testing.T) {
	tm, other := newTeam(t), newTeam(t)
	tm.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "outside"}, StringData: map[string]string{"key": "s3cret"}})
	tm.startSender("channels: [{name: paid, access: {token: true, outside: {hmac: secret://outside/key}}}]\nsends: [paid]\n")
	other.startSender("sends: [" + tm.namespace + "/paid]\n")
	paid := &v1alpha1.Channel{}
	eventually(t, soon, "channel paid accepts events", func() error {
		if err := tm.get("paid", paid); err != nil {
			return err
		}
		return condition(paid.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAccepting)
	})

	tm.wantSent(http.MethodPost, tm.url("sender")+"send/paid/1", nil, http.StatusAccepted, "")
	other.wantSent(http.MethodPost, other.url("sender")+"send/paid/2", nil, http.StatusForbidden, "Service account "+other.namespace+"/default may not send")
	tm.wantSent(http.MethodPost, tm.channelURL("paid"), eventHeaders("3"), http.StatusUnauthorized, "takes events only with a token")
	tm.headway("events", "send", "paid", "--type=sent", "--id=4")

	if want := layout.EventsURL + "/" + tm.namespace + "/paid"; paid.Status.OutsideURL != want {
		t.Errorf("the URL for senders outside is %q, want %s", paid.Status.OutsideURL, want)
	}
	tm.wantSent(http.MethodPost, paid.Status.OutsideURL, eventHeaders("5"), http.StatusUnauthorized, "have to be signed")
	tm.wantSent(http.MethodPost, paid.Status.OutsideURL, signedHeaders("6", "s3cret"), http.StatusAccepted, "")
	tm.wantSent(http.MethodPost, paid.Status.OutsideURL, signedHeaders("7", "secret"), http.StatusUnauthorized, "it is none of this request")
	secret := &corev1.Secret{}
	if err := tm.get("outside", secret); err != nil {
		t.Fatal(err)
	}
	secret.Data["key"] = []byte("n3w")
	if err := kube.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	tm.wantSent(http.MethodPost, paid.Status.OutsideURL, signedHeaders("8", "n3w"), http.StatusAccepted, "")
	tm.wantSent(http.MethodPost, paid.Status.OutsideURL, signedHeaders("9", "s3cret"), http.StatusAccepted, "")

	eventually(t, soon, "the channel has what was accepted, and nothing else", func() error {
		if err := tm.get("paid", paid); err != nil {
			return err
		}
		return want("events", paid.Status.Events, 5)
	})
}

// startSender pushes the app sender with more in its headway.yaml, and waits for it.
func (tm *team) startSender(lines string) {
	tm.Helper()
	code := tm.cloneFrom(filepath.Join("testdata", "sender"))
	code.edit("headway.yaml", "name: sender\n", "name: sender\n"+lines)
	commit := code.push("Send")
	code.watch()
	tm.waitLive("sender", commit)
}

// wantSent sends a request and checks what comes back.
func (tm *team) wantSent(method, url string, header http.Header, status int, text string) {
	tm.Helper()
	body := "{}"
	if id := header.Get("Webhook-Id"); id != "" {
		body = structured(id)
	}
	request, err := http.NewRequestWithContext(tm.Context(), method, url, strings.NewReader(body))
	if err != nil {
		tm.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	got, err := localcluster.Do(web, request)
	if err != nil {
		tm.Fatal(err)
	}
	if got.Status != status || !strings.Contains(got.Body, text) {
		tm.Errorf("%s answers %d: %s; want %d and %q", url, got.Status, got.Body, status, text)
	}
}

func eventHeaders(id string) http.Header {
	return http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {"/e2e"}, "Ce-Type": {"sent"}, "Content-Type": {"application/json"}}
}

// structured is an event in structured mode.
func structured(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/e2e","type":"sent","data":{}}`, id)
}

// signedHeaders are those of the structured event, signed as Standard Webhooks says:
// only the body is.
func signedHeaders(id, key string) http.Header {
	at := time.Now().Unix()
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s.%d.%s", id, at, structured(id))
	return http.Header{
		"Content-Type":      {"application/cloudevents+json"},
		"Webhook-Id":        {id},
		"Webhook-Timestamp": {fmt.Sprint(at)},
		"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}
