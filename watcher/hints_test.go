package watcher

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/webhook"
)

func TestHintsAreLimitedNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHints(nil, nil, slog.New(slog.DiscardHandler))
		for range 100 {
			h.Hint(types.NamespacedName{Name: "a"})
		}
		h.Hint(types.NamespacedName{Name: "b"})
		if n := len(h.out); n != hintsBurst+1 {
			t.Errorf("%d hints at once, want %d for a and 1 for b", n, hintsBurst)
		}
		for len(h.out) > 0 {
			<-h.out
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := len(h.out); n != 1 {
			t.Errorf("%d hints a second later, want one: the last is late, not lost", n)
		}
	})
}

// TestWebhookReachesTheRepository goes from the HTTP request to the hint.
func TestWebhookReachesTheRepository(t *testing.T) {
	w := newWorld(t)
	must(t, w.client.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "hook"},
		Data: map[string][]byte{"token": []byte("t0ken")}}))
	h := newHints(w.client, w.client, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(webhook.New(h, slog.New(slog.DiscardHandler)))
	defer server.Close()
	url := strings.TrimSuffix(w.http.CloneURL(w.git), ".git")
	steps := []struct {
		name, token string
		change      func(*v1alpha1.Repository)
		status      int
		hints       int
	}{
		{"open", "", func(*v1alpha1.Repository) {}, 202, 1},
		{"secret, unsigned", "", func(r *v1alpha1.Repository) { r.Spec.WebhookSecretRef = &corev1.LocalObjectReference{Name: "hook"} }, 202, 0},
		{"secret, signed", "t0ken", func(*v1alpha1.Repository) {}, 202, 1},
		{"secret, wrong", "token", func(*v1alpha1.Repository) {}, 403, 0},
		{"secret is missing", "t0ken", func(r *v1alpha1.Repository) { r.Spec.WebhookSecretRef.Name = "gone" }, 403, 0},
		{"suspended", "", func(r *v1alpha1.Repository) { r.Spec.WebhookSecretRef, r.Spec.Suspend = nil, true }, 202, 0},
	}
	for _, step := range steps {
		w.change(step.change)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+webhook.Path, strings.NewReader(`{"url":"`+url+`"}`))
		must(t, err)
		if step.token != "" {
			r.Header.Set("X-Gitlab-Token", step.token)
		}
		res, err := server.Client().Do(r)
		must(t, err)
		_, _ = io.Copy(io.Discard, res.Body)
		must(t, res.Body.Close())
		if res.StatusCode != step.status || len(h.out) != step.hints {
			t.Errorf("%s: status %d and %d hints, want %d and %d", step.name, res.StatusCode, len(h.out), step.status, step.hints)
		}
		for len(h.out) > 0 {
			if e := <-h.out; e.Object != w.name {
				t.Errorf("%s: a hint for %v", step.name, e.Object)
			}
		}
	}
}
