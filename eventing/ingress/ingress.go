// Package ingress takes events over HTTP: POST /<namespace>/<channel>, in the
// binary, the structured and the batched mode of the CloudEvents HTTP binding; and
// the webhooks of forges, POST /hooks/<namespace>/<source>.
//
// It promises that 202 is answered only when the channel has the events on disk,
// that everything else is refused with a text that says what to change, and that
// the bodies it holds at a time are bounded whatever clients do. Who may send is
// not asked: nothing outside the cluster must have a way here.
package ingress

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

// Log is where the events of a channel go.
type Log interface {
	// Append returns nil when all events are on disk; else a *channel.Full, a
	// *channel.Unavailable, a *channel.TooLarge, or what else went wrong.
	Append(ctx context.Context, events []event.Event) error
}

// Handler answers requests with events. Doors says which channels there are.
type Handler struct {
	Doors
	// Hooks take webhooks; nil: nobody does.
	Hooks Hooks

	room    *room
	refused *refusals
}

// New returns a Handler without a channel. It logs what it refuses, each kind at
// most once a second.
func New(log *slog.Logger) *Handler {
	return &Handler{room: newRoom(maxInFlight), refused: newRefusals(log)}
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if hook, ok := parseHookPath(r.URL.Path); ok && h.Hooks != nil {
		h.serveHook(w, r, hook, h.room)
		return
	}
	name, ok := parsePath(r.URL.Path)
	if !ok {
		h.refused.answer(w, r, wrongPath)
		return
	}
	door, no := h.find(name)
	if no != nil {
		h.refused.answer(w, r, no)
		return
	}
	switch r.Method {
	case http.MethodPost:
	case http.MethodOptions:
		allow(w, r)
		return
	default:
		h.refused.answer(w, r, wrongMethod(r.Method))
		return
	}
	if no := h.take(w, r, name, door); no != nil {
		h.refused.answer(w, r, no)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// take has the events of a request in the log of a channel when it returns nil.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, name types.NamespacedName, door *Door) *refusal {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return encoded(encoding)
	}
	body, release, no := h.room.read(w, r, door.MaxEvent)
	if no != nil {
		return no
	}
	defer release()
	events, err := event.ReadHTTP(r.Header, body)
	if err != nil {
		return unreadable(err)
	}
	if len(events) == 0 { // an empty batch
		return nil
	}
	joinTrace(r.Header, events)
	if err := door.Log.Append(sentBy(r), events); err != nil {
		return notKept(name, err)
	}
	accepted.WithLabelValues(name.Namespace, name.Name).Add(float64(len(events)))
	return nil
}

// parsePath takes /<namespace>/<channel> apart.
func parsePath(path string) (types.NamespacedName, bool) {
	namespace, name, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return types.NamespacedName{}, false
	}
	return types.NamespacedName{Namespace: namespace, Name: name}, true
}

// allow answers OPTIONS, also where it is the handshake by which senders ask
// whether events are welcome (HTTP 1.1 Web Hooks for Event Delivery, section 4).
func allow(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", allowed)
	if origin := r.Header.Get("WebHook-Request-Origin"); origin != "" {
		w.Header().Set("WebHook-Allowed-Origin", origin)
		w.Header().Set("WebHook-Allowed-Rate", "*")
	}
	w.WriteHeader(http.StatusOK)
}

// notKept is the answer to events that the log did not take.
func notKept(name types.NamespacedName, err error) *refusal {
	var full *channel.Full
	var unavailable *channel.Unavailable
	var large *channel.TooLarge
	switch {
	case errors.As(err, &large):
		return &refusal{kind: "too-large", status: http.StatusRequestEntityTooLarge, err: err,
			detail: "The events are refused: " + large.Error() + "."}
	case errors.As(err, &full):
		return &refusal{kind: "full", status: http.StatusServiceUnavailable, retryAfter: full.RetryAfter, err: err,
			detail: "Channel " + name.String() + " is full: its oldest events have to be out of its keep first. Raise its size, or send again later."}
	case errors.As(err, &unavailable):
		return &refusal{kind: "unavailable", status: http.StatusServiceUnavailable, retryAfter: unavailable.RetryAfter, err: err,
			detail: "Channel " + name.String() + " takes no events right now. Send again later."}
	case errors.Is(err, context.Canceled):
		return &refusal{kind: "gone", status: http.StatusServiceUnavailable, retryAfter: time.Second, err: err,
			detail: "The sender went away before the events were on disk."}
	}
	return &refusal{kind: "failed", status: http.StatusServiceUnavailable, retryAfter: time.Second, err: err,
		detail: "The events may not be on disk. Send them again."}
}
