//go:build integration

package integration

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestWhoMaySend: the API server makes the tokens and says whose they are. What a
// Channel says of its senders counts at once.
func TestWhoMaySend(t *testing.T) {
	p := newPost(t)
	p.create(channel(fields{"spec.access": map[string]any{"token": true}}))
	p.channelSays("orders", metav1.ConditionTrue, v1alpha1.ReasonAccepting)
	elsewhere := namespace(t)
	here, there := tokenOf(t, p.namespace, p.namespace), tokenOf(t, elsewhere, p.namespace)
	wrong := tokenOf(t, p.namespace, elsewhere)

	p.sendsAs("", http.StatusUnauthorized, "takes events only with a token")
	p.sendsAs(here, http.StatusAccepted, "")
	p.sendsAs(here[:len(here)-8]+"AAAAAAAA", http.StatusUnauthorized, "it is not valid")
	p.sendsAs(wrong, http.StatusUnauthorized, "it is made for another audience")
	p.sendsAs(there, http.StatusForbidden, "Service account "+elsewhere+"/default may not send")

	c := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "orders"}}
	p.says(c, func() []metav1.Condition { return c.Status.Conditions }, metav1.ConditionTrue, v1alpha1.ReasonAccepting, "")
	c.Spec.Access.Senders = []string{elsewhere + "/default"}
	if err := api.Update(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other namespace may send", func() error { return p.sentAs(there, http.StatusAccepted, "") })
}

// tokenOf is a token of the service account default of a namespace, for channel
// orders of another.
func tokenOf(t *testing.T, namespace, of string) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default"}}
	if err := api.Create(t.Context(), account.DeepCopy()); err != nil && !strings.Contains(err.Error(), "already exists") {
		t.Fatal(err)
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{address.Channel(of, "orders")}}}
	if err := api.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

func (p *post) sendsAs(token string, status int, part string) {
	p.Helper()
	if err := p.sentAs(token, status, part); err != nil {
		p.Error(err)
	}
}

// sentAs sends an event with a token and returns what is wrong with the answer.
func (p *post) sentAs(token string, status int, part string) error {
	request, err := http.NewRequestWithContext(p.Context(), http.MethodPost, p.url+"/"+p.namespace+"/orders", strings.NewReader("{}"))
	if err != nil {
		return err
	}
	request.Header = http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"/till"}, "Ce-Type": {"order.created"}}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != status || !strings.Contains(string(body), part) {
		return fmt.Errorf("answered %s: %s; want %d and %q", response.Status, body, status, part)
	}
	return nil
}
