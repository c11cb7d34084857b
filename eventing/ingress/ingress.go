// Package ingress takes events over HTTP: POST /<namespace>/<channel>, in the
// binary, the structured and the batched mode of the CloudEvents HTTP binding; and
// the webhooks of forges, POST /hooks/<namespace>/<source>.
//
// It has two entrances, one for the cluster and one for the outside. Package access
// decides who may come in by which; what comes from outside cannot take the room
// for bodies from the cluster.
//
// It promises that 202 is answered only when the channel has the events on disk,
// that everything else is refused with a text that says what to change, and that
// the bodies it holds at a time are bounded whatever clients do.
package ingress

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/story"
)

// Log is where the events of a channel go.
type Log interface {
	// Append returns nil when all events are on disk; else a *channel.Full, a
	// *channel.Unavailable, a *channel.TooLarge, or what else went wrong.
	Append(ctx context.Context, events []event.Event) error
}

// Handler answers requests with events from within the cluster. Doors says which
// channels there are.
type Handler struct {
	Doors
	// Hooks take webhooks; nil: nobody does.
	Hooks Hooks

	inside, outside entrance
	refused         *refusals
}

// entrance is a way in.
type entrance struct {
	room *room
	// open reports whether it leads to a channel.
	open func(*access.Rule) bool
	// identify finds out who sends: before the body is read as much as that can be,
	// and then the rest.
	identify func(*http.Request, *access.Rule) (verify, *access.Denial)
}

// verify finds out who has sent a body.
type verify func(context.Context, []byte) (string, *access.Denial)

// New returns a Handler without a channel. It logs what it refuses, each kind at
// most once a second.
func New(guard *access.Guard, log *slog.Logger) *Handler {
	return &Handler{
		refused: newRefusals(log),
		inside: entrance{newRoom(roomInside), func(*access.Rule) bool { return true },
			func(r *http.Request, rule *access.Rule) (verify, *access.Denial) {
				sender, no := guard.Inside(r, rule)
				return func(context.Context, []byte) (string, *access.Denial) { return sender, nil }, no
			}},
		outside: entrance{newRoom(roomOutside), (*access.Rule).HasOutside,
			func(r *http.Request, rule *access.Rule) (verify, *access.Denial) {
				outsider, no := rule.Outside(r, event.InBody(r.Header))
				if no != nil {
					return nil, no
				}
				return outsider.Verify, nil
			}},
	}
}

// ServeHTTP answers one request from within the cluster.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve(w, r, &h.inside) }

// Outside answers requests from anywhere. Of the channels it knows those alone that
// are open to the outside.
func (h *Handler) Outside() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, &h.outside) })
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, by *entrance) {
	if hook, ok := parseHookPath(r.URL.Path); ok && h.Hooks != nil {
		h.serveHook(w, r, hook, by.room)
		return
	}
	name, ok := parsePath(r.URL.Path)
	if !ok {
		h.refused.answer(w, r, wrongPath)
		return
	}
	door, no := h.find(name)
	if no == nil && !by.open(door.Rule) {
		no = unknown
	}
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
	if no := h.take(w, r, name, door, by); no != nil {
		h.refused.answer(w, r, no)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// take has the events of a request in the log of a channel when it returns nil. The
// context of the log tells who has sent them.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, name types.NamespacedName, door *Door, by *entrance) *refusal {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return encoded(encoding)
	}
	if lacksBody(r) {
		return lengthRequired
	}
	verify, denial := by.identify(r, door.Rule)
	if denial != nil {
		return denied(denial, false)
	}
	body, release, no := by.room.read(w, r, door.MaxEvent)
	if no != nil {
		return no
	}
	defer release()
	sender, denial := verify(r.Context(), body)
	if denial != nil {
		return denied(denial, true)
	}
	events, err := event.ReadHTTP(r.Header, body)
	if err != nil {
		return unreadable(err)
	}
	if len(events) == 0 { // an empty batch
		return nil
	}
	joinTrace(r.Header, events)
	if err := door.Log.Append(story.WithSender(r.Context(), sender), events); err != nil {
		return notKept(name, err)
	}
	accepted.WithLabelValues(name.Namespace, name.Name).Add(float64(len(events)))
	return nil
}

// lacksBody reports whether the event of a request has to be in its body, and
// nothing says that there is one.
func lacksBody(r *http.Request) bool {
	_, said := r.Header["Content-Length"]
	return r.ContentLength == 0 && !said && strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/cloudevents")
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
