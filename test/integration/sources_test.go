//go:build integration

package integration

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/cron"
	"github.com/headway-dev/headway/api/v1alpha1"
)

func (p *post) sourceSays(name string, status metav1.ConditionStatus, reason, part string) *v1alpha1.Source {
	p.Helper()
	s := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name}}
	p.says(s, func() []metav1.Condition { return s.Status.Conditions }, status, reason, part)
	return s
}

// change changes the spec of a source.
func (p *post) change(s *v1alpha1.Source, change func(*v1alpha1.SourceSpec)) {
	p.Helper()
	before := s.DeepCopy()
	change(&s.Spec)
	if err := api.Patch(p.Context(), s, client.MergeFrom(before)); err != nil {
		p.Fatal(err)
	}
}

// TestCronReachesAnApp: the times of a schedule that were missed, through a channel
// and a subscription; and what is wrong with a source until somebody mends it.
func TestCronReachesAnApp(t *testing.T) {
	p := newPost(t)
	p.create(subscription(fields{"spec.to.app": nil, "spec.to.url": p.mailbox.url + "/yearly"}))
	yearly := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Name: "yearly"}, Spec: v1alpha1.SourceSpec{
		Channel: "orders", Paused: true, Extensions: map[string]v1alpha1.EventAttribute{"team": "till"},
		Cron: &v1alpha1.CronSource{Schedule: "30 3 1 1 *", TimeZone: "Europe/Berlinn", CatchUp: v1alpha1.CatchUpAll},
	}}
	p.create(yearly)
	yearly = p.sourceSays("yearly", metav1.ConditionFalse, v1alpha1.ReasonPaused, "")
	before := yearly.DeepCopy()
	began := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	yearly.Status.Position, yearly.Status.Events = began.Format(time.RFC3339)+" Europe/Berlin 30 3 1 1 *", 7
	if err := api.Status().Patch(t.Context(), yearly, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	p.change(yearly, func(s *v1alpha1.SourceSpec) { s.Paused = false })
	p.sourceSays("yearly", metav1.ConditionFalse, v1alpha1.ReasonChannelNotFound, `channel "orders" does not exist`)
	p.create(channel(nil))
	yearly = p.sourceSays("yearly", metav1.ConditionFalse, v1alpha1.ReasonSourceInvalid, `"Europe/Berlinn" is no time zone`)
	p.change(yearly, func(s *v1alpha1.SourceSpec) { s.Cron.TimeZone = "Europe/Berlin" })

	schedule, err := cron.Parse("30 3 1 1 *")
	if err != nil {
		t.Fatal(err)
	}
	zone, err := cron.Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	last := began
	for at := schedule.Next(began, zone); !at.After(time.Now()); at = schedule.Next(at, zone) {
		ids, last = append(ids, p.namespace+"/yearly/"+at.UTC().Format(time.RFC3339)), at
	}
	where := strings.TrimPrefix(p.mailbox.url, "http://") + "/yearly"
	p.mailbox.want(t, where, ids...)
	eventually(t, "the status", func() error {
		s := p.sourceSays("yearly", metav1.ConditionTrue, v1alpha1.ReasonTaking, "").Status
		if s.Events != int64(7+len(ids)) || s.LastEvent == nil || s.Position != last.UTC().Format(time.RFC3339)+" Europe/Berlin 30 3 1 1 *" {
			return fmt.Errorf("it is %+v", s)
		}
		return nil
	})
	p.stop()
	p.start()
	yearly = p.sourceSays("yearly", metav1.ConditionTrue, v1alpha1.ReasonTaking, "")
	p.change(yearly, func(s *v1alpha1.SourceSpec) { s.Cron.Data = "again" })
	p.send("orders", "last", "good", http.StatusAccepted)
	p.mailbox.want(t, where, append(ids, "last")...) // nothing came twice
}

// hook sends a push as GitHub does, until the answer has a status.
func (p *post) hook(source, delivery, secret string, status int) {
	p.Helper()
	const body = `{"ref": "refs/heads/main", "repository": {"url": "https://api.github.com/repos/a/b"}}`
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	eventually(p.T, "a webhook for "+source, func() error {
		request, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.url+"/hooks/"+p.namespace+"/"+source, strings.NewReader(body))
		if err != nil {
			return err
		}
		request.Header = http.Header{"Content-Type": {"application/json"}, "X-Github-Event": {"push"}, "X-Github-Delivery": {delivery}, "X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != status {
			text, _ := io.ReadAll(response.Body)
			return fmt.Errorf("answered %s: %s", response.Status, text)
		}
		return nil
	})
}

// TestWebhookReachesAnApp: a source waits for its Secret, takes what is signed with
// it, follows when that changes, and is gone when it is deleted.
func TestWebhookReachesAnApp(t *testing.T) {
	p := newPost(t)
	p.create(channel(nil))
	p.create(subscription(fields{"spec.to.app": nil, "spec.to.url": p.mailbox.url + "/pushes"}))
	pushes := object("Source", "pushes", fields{"spec.channel": "orders", "spec.github.secret": map[string]any{"name": "hook", "key": "token"}})
	p.create(pushes)
	p.sourceSays("pushes", metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound, `Secret "hook" does not exist`)
	p.hook("pushes", "1", "old", http.StatusServiceUnavailable)
	p.hook("pull", "1", "old", http.StatusNotFound)

	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "hook"}, StringData: map[string]string{"other": "old"}}
	p.create(secret)
	p.sourceSays("pushes", metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound, `nothing under the key "token"`)
	rotate := func(token string) {
		t.Helper()
		before := secret.DeepCopy()
		secret.Data = map[string][]byte{"token": []byte(token)}
		if err := api.Patch(t.Context(), secret, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
	rotate("old")
	if s := p.sourceSays("pushes", metav1.ConditionTrue, v1alpha1.ReasonTaking, ""); s.Status.URL != "http://headway-events.headway-system/hooks/"+p.namespace+"/pushes" {
		t.Errorf("the URL is %q", s.Status.URL)
	}
	where := strings.TrimPrefix(p.mailbox.url, "http://") + "/pushes"
	p.hook("pushes", "1", "old", http.StatusAccepted)
	p.hook("pushes", "1", "old", http.StatusAccepted) // it is known
	p.hook("pushes", "2", "new", http.StatusUnauthorized)
	p.mailbox.want(t, where, "1")
	if err := api.Delete(t.Context(), pushes); err != nil {
		t.Fatal(err)
	}
	p.hook("pushes", "2", "old", http.StatusNotFound)
}
