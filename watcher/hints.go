package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/webhook"
)

const (
	// A Repository is looked at for webhooks five times at once and then once
	// a second; further ones are late, not lost.
	hintsPerSecond = 1
	hintsBurst     = 5
	// keyToken is the key of a webhook Secret.
	keyToken = "token"
)

// hints passes webhooks on to the reconciler. It is what package webhook
// needs to know of Repositories.
type hints struct {
	client client.Reader
	live   client.Reader
	log    *slog.Logger
	out    chan event.TypedGenericEvent[types.NamespacedName]

	mu sync.Mutex
	// limits and waiting are per Repository; waiting ones will be hinted at.
	limits  map[types.NamespacedName]*rate.Limiter
	waiting map[types.NamespacedName]bool
}

func newHints(cached, live client.Reader, log *slog.Logger) *hints {
	return &hints{
		client: cached, live: live, log: log,
		out:     make(chan event.TypedGenericEvent[types.NamespacedName], 1024),
		limits:  map[types.NamespacedName]*rate.Limiter{},
		waiting: map[types.NamespacedName]bool{},
	}
}

// ByURL finds Repositories by their normalised URL.
func (h *hints) ByURL(ctx context.Context, normalized string) ([]webhook.Target, error) {
	var repos v1alpha1.RepositoryList
	if err := h.client.List(ctx, &repos, client.MatchingFields{indexURL: normalized}); err != nil {
		return nil, fmt.Errorf("listing repositories: %w", err)
	}
	var targets []webhook.Target
	for i := range repos.Items {
		repo := &repos.Items[i]
		if repo.Spec.Suspend {
			continue
		}
		t := webhook.Target{NamespacedName: client.ObjectKeyFromObject(repo)}
		if ref := repo.Spec.WebhookSecretRef; ref != nil {
			t.Signed = true
			secret := &corev1.Secret{}
			if err := h.live.Get(ctx, types.NamespacedName{Namespace: repo.Namespace, Name: ref.Name}, secret); err != nil {
				// Then nothing verifies, for this Repository only.
				h.log.Warn("webhook secret cannot be read", "namespace", repo.Namespace, "repository", repo.Name, "secret", ref.Name, "error", err)
			}
			t.Token = secret.Data[keyToken]
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// Hint asks for a look: now, or when the Repository's rate allows it.
func (h *hints) Hint(name types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting[name] {
		return
	}
	limit := h.limits[name]
	if limit == nil {
		limit = rate.NewLimiter(hintsPerSecond, hintsBurst)
		h.limits[name] = limit
	}
	wait := limit.Reserve().Delay()
	if wait == 0 {
		h.send(name)
		return
	}
	h.waiting[name] = true
	time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting, name)
		h.send(name)
	})
}

// send never blocks: a full queue means that the reconciler is behind with
// more than a thousand looks, and polling will find what this one would.
func (h *hints) send(name types.NamespacedName) {
	select {
	case h.out <- event.TypedGenericEvent[types.NamespacedName]{Object: name}:
	default:
		h.log.Warn("webhook is dropped, the queue is full", "namespace", name.Namespace, "repository", name.Name)
	}
}
