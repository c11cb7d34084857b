package query

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// TokenHeader has the token: the API server, through which people ask, takes the
	// header Authorization for itself.
	TokenHeader = "Headway-Authorization"
	// maxToken is the longest token that is looked at; Kubernetes' own have 1 KiB.
	maxToken = 8 << 10
	// reviewTime bounds a review.
	reviewTime = 5 * time.Second
	// knownFor is how long a valid token is not reviewed again, and maxKnown how many
	// of them.
	knownFor = time.Minute
	maxKnown = 256
)

// Audience of the tokens with which a namespace can be read. It is no URL of the
// ingress: who may send is another question.
func Audience(namespace string) string { return "headway.dev/events/" + namespace }

// refusal is why a question is not answered.
type refusal struct {
	status int
	detail string
}

func (no *refusal) write(w http.ResponseWriter) {
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	refuse(w, no.status, no.detail)
}

// mayRead reports why whoever asks may not read a namespace; nil: they may.
func (h *Handler) mayRead(r *http.Request, namespace string) *refusal {
	audience := Audience(namespace)
	scheme, token, _ := strings.Cut(r.Header.Get(TokenHeader), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return &refusal{http.StatusUnauthorized, "Events are shown only to who has a token of a service account of their namespace whose audience is " + audience +
			", as " + TokenHeader + ": Bearer <token>. The command headway makes one."}
	}
	key := sha256.Sum256([]byte(audience + " " + token))
	if h.known.has(key, time.Now()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(r.Context(), reviewTime)
	defer cancel()
	user, err := h.Reviewer.Review(ctx, token, audience)
	if err != nil {
		return &refusal{http.StatusUnauthorized, "The token is refused: " + err.Error() + "."}
	}
	if !strings.HasPrefix(user, "system:serviceaccount:"+namespace+":") {
		return &refusal{http.StatusForbidden, "The token is of " + user + ", which is no service account of namespace " + namespace + "."}
	}
	h.known.add(key, time.Now())
	return nil
}

// known are tokens that were valid a moment ago, by their hashes.
type known struct {
	mu    sync.Mutex
	until map[[32]byte]time.Time
}

func (k *known) has(key [32]byte, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return now.Before(k.until[key])
}

func (k *known) add(key [32]byte, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.until == nil || len(k.until) >= maxKnown {
		k.until = map[[32]byte]time.Time{}
	}
	k.until[key] = now.Add(knownFor)
}
