//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/query"
)

// token makes one of a service account of the namespace.
func (p *post) token(account *corev1.ServiceAccount, audience string) string {
	p.Helper()
	made := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}}}
	if err := api.SubResource("token").Create(p.Context(), account, made); err != nil {
		p.Fatal(err)
	}
	return made.Status.Token
}

// ask asks the program with a token.
func (p *post) ask(token, path string) (int, string, error) {
	request, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.url+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set(access.ProxiedHeader, "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// TestWhy: what became of an event is told to who has a token for that, also after
// a restart, and to nobody else.
func TestWhy(t *testing.T) {
	p := newPost(t)
	p.create(channel(nil))
	p.create(object("Channel", "dead", fields{"spec": map[string]any{}}))
	p.create(object("Route", "shop", fields{"spec.app": "shop", "spec.hosts": []any{p.namespace + ".localhost"}}))
	p.create(subscription(fields{"spec.to.path": "/events", "spec.deadLetter": "dead"}))
	p.subscriptionSays("shop-orders", metav1.ConditionTrue, v1alpha1.ReasonDelivering, "")
	p.send("orders", "1", "good", http.StatusAccepted)
	p.send("orders", "2", "bad", http.StatusAccepted)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "reader"}}
	p.create(account)
	good := p.token(account, query.Audience(p.namespace))
	told := func(id string, want ...string) {
		t.Helper()
		eventually(t, "the story of event "+id, func() error {
			status, body, err := p.ask(good, "/-/why/"+p.namespace+"?id="+id)
			if err != nil || status != http.StatusOK {
				return fmt.Errorf("%d %s %w", status, body, err)
			}
			var story explain.EventStory
			if err := json.Unmarshal([]byte(body), &story); err != nil {
				return err
			}
			var got []string
			for _, e := range story.Events {
				got = append(got, e.Channel)
				for _, d := range e.Deliveries {
					got = append(got, fmt.Sprint(d.Subscription, " ", d.State, " ", d.Tried))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("told %v, want %v", got, want)
			}
			return nil
		})
	}
	check := func() {
		t.Helper()
		told("1", "orders", "shop-orders Delivered 1")
		told("2", "orders", "shop-orders Dead 1", "dead")
		told("3")
	}
	check()
	p.stop()
	p.start()
	check()
	for what, token := range map[string]string{"none": "", "of another purpose": p.token(account, "another"), "of another namespace": p.token(account, query.Audience("another"))} {
		if status, body, err := p.ask(token, "/-/events/"+p.namespace+"/orders?data=1"); err != nil || status != http.StatusUnauthorized || strings.Contains(body, "good") {
			t.Errorf("a token %s: %d %s %v", what, status, body, err)
		}
	}
	if status, body, err := p.ask(good, "/-/events/"+p.namespace+"/orders?data=1"); err != nil || status != http.StatusOK || strings.Count(body, "\n") != 2 || !strings.Contains(body, `"data":"good"`) {
		t.Errorf("the list: %d %s %v", status, body, err)
	}
}
