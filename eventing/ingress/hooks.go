package ingress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// hooksPath begins the paths of webhooks, /hooks/<namespace>/<source>, which no
// channel has.
const hooksPath = "/hooks/"

// Hooks finds who takes the webhooks of a forge; else it returns a *Refusal.
type Hooks interface {
	Find(ctx context.Context, name types.NamespacedName) (Hook, error)
}

// Hook takes the webhooks of one source.
type Hook interface {
	// Channel that gets what they say.
	Channel() types.NamespacedName
	// Take has what a webhook says on disk when it returns nil; else it is a *Refusal
	// or an error of Log.Append.
	Take(ctx context.Context, header http.Header, body []byte) error
}

// Refusal is why a webhook is not taken.
type Refusal struct {
	// Kind is the label of the metric.
	Kind   string
	Status int
	// Detail is a sentence for people.
	Detail string
	// RetryAfter is when to send again; 0: not as it is.
	RetryAfter time.Duration
	// Err is for the log.
	Err error
}

// Error is the detail.
func (r *Refusal) Error() string { return r.Detail }

// parseHookPath takes /hooks/<namespace>/<source> apart.
func parseHookPath(path string) (types.NamespacedName, bool) {
	rest, ok := strings.CutPrefix(path, hooksPath)
	if !ok {
		return types.NamespacedName{}, false
	}
	return parsePath(rest)
}

// serveHook answers a webhook.
func (h *Handler) serveHook(w http.ResponseWriter, r *http.Request, name types.NamespacedName, room *room) {
	if r.Method == http.MethodOptions {
		allow(w, r)
		return
	}
	if no := h.takeHook(w, r, name, room); no != nil {
		h.refused.answer(w, r, no)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// takeHook has what a webhook says on disk when it returns nil.
func (h *Handler) takeHook(w http.ResponseWriter, r *http.Request, name types.NamespacedName, room *room) *refusal {
	if r.Method != http.MethodPost {
		return &refusal{kind: "wrong-method", status: http.StatusMethodNotAllowed, closes: true,
			detail: fmt.Sprintf("Webhooks are sent by POST, not by %q.", clip(r.Method))}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return encoded(encoding)
	}
	hook, err := h.Hooks.Find(r.Context(), name)
	if err != nil {
		no := hookRefused(name, err)
		no.closes = true
		return no
	}
	// The channel says whether it is too large for it.
	body, release, no := room.read(w, r, v1alpha1.MostMaxEvent)
	if no != nil {
		return no
	}
	defer release()
	if err := hook.Take(r.Context(), r.Header, body); err != nil {
		return hookRefused(hook.Channel(), err)
	}
	return nil
}

// hookRefused is the answer to a webhook that was not taken. name is that of the
// channel if it is to blame.
func hookRefused(name types.NamespacedName, err error) *refusal {
	var no *Refusal
	if !errors.As(err, &no) {
		return notKept(name, err)
	}
	return &refusal{kind: no.Kind, status: no.Status, detail: no.Detail, retryAfter: no.RetryAfter, err: no.Err}
}
