// Package query answers questions about events over HTTP: what became of one, and
// what a channel has.
//
//	GET /-/why/<namespace>?id=<id>[&data=1]
//	GET /-/events/<namespace>/<channel>[?from=…][&max=…][&type=…][&follow=1][&data=1]
//
// The first answers with an explain.EventStory, the second with a line of JSON, an
// explain.StoredEvent, for each event; an empty line only shows that the answer
// goes on. The data of events is told only where it is asked for.
//
// It promises that nobody reads a namespace who has no token of a service account
// of that namespace, made for this purpose: the ingress, by which it is reached, is
// open to all pods. How many questions are answered at a time is bounded, and what
// each of them costs. It changes nothing.
package query

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/delivery"
	"github.com/headway-dev/headway/eventing/story"
)

// Prefix of all paths.
const Prefix = "/-/"

const (
	// atOnce is how many questions are answered at a time, streams included.
	atOnce = 32
	// longest is how long one is answered that is no stream.
	longest = 30 * time.Second
	// maxID is the longest id that can be asked for, in bytes.
	maxID = 4 << 10
)

// Subscriptions are those of a namespace.
type Subscriptions func(ctx context.Context, namespace string) ([]v1alpha1.Subscription, error)

// Accounts know whose tokens are, as access.Guard does.
type Accounts interface {
	Account(ctx context.Context, token, audience string) (types.NamespacedName, error)
}

// Sources of what is told.
type Sources struct {
	Story         *story.Store
	Channels      *channel.Store
	Standing      func(name types.NamespacedName, seq uint64) delivery.Standing
	Subscriptions Subscriptions
	Accounts      Accounts
	// Done ends streams when the program ends.
	Done <-chan struct{}
}

// Handler answers.
type Handler struct {
	Sources

	places *semaphore.Weighted
	mux    *http.ServeMux
}

// New returns a Handler.
func New(from Sources) *Handler {
	h := &Handler{Sources: from, places: semaphore.NewWeighted(atOnce), mux: http.NewServeMux()}
	h.mux.HandleFunc("GET "+Prefix+"why/{namespace}", h.why)
	h.mux.HandleFunc("GET "+Prefix+"events/{namespace}/{channel}", h.list)
	return h
}

// In returns a handler that answers what is below Prefix, and leaves the rest to
// another one.
func (h *Handler) In(others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, Prefix) {
			h.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// ServeHTTP answers one question.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.places.TryAcquire(1) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "Too many questions are being answered. Ask again in a moment.")
		return
	}
	defer h.places.Release(1)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-h.Done:
			cancel()
		case <-ctx.Done():
		}
	}()
	h.mux.ServeHTTP(w, r.WithContext(ctx))
}

// why answers what became of an event.
func (h *Handler) why(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	namespace, id := r.PathValue("namespace"), r.URL.Query().Get("id")
	if no := h.mayRead(r, namespace); no != nil {
		no.write(w)
		return
	}
	if id == "" || len(id) > maxID {
		refuse(w, http.StatusBadRequest, "An id of 1 to 4096 bytes can be asked for.")
		return
	}
	answer, err := h.tell(ctx, namespace, id, r.URL.Query().Get("data") != "")
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "The story cannot be read: "+err.Error()+".")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client may have gone
}

// refuse answers with a problem document (RFC 9457), as the ingress does.
func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": detail})
}
