package query

import (
	"errors"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/eventing/access"
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
	scheme, token, _ := strings.Cut(r.Header.Get(access.ProxiedHeader), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return &refusal{http.StatusUnauthorized, "Events are shown only to who has a token of a service account of their namespace whose audience is " + audience +
			", as " + access.ProxiedHeader + ": Bearer <token>. The command headway makes one."}
	}
	account, err := h.Accounts.Account(r.Context(), token, audience)
	var refused *access.Refused
	switch {
	case errors.As(err, &refused):
		return &refusal{http.StatusUnauthorized, "The token is refused: " + refused.Error() + "."}
	case err != nil:
		return &refusal{http.StatusServiceUnavailable, "The API server, which knows whose the token is, does not answer. Ask again in a moment."}
	case account.Namespace != namespace:
		return &refusal{http.StatusForbidden, "The token is of service account " + account.String() + ", which is none of namespace " + namespace + "."}
	}
	return nil
}
