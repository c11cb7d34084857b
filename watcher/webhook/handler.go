// Package webhook takes a forge's word that a repository has changed as a
// hint: the watcher then looks for itself.
//
// It promises that a webhook can cause nothing but a look, that a Repository
// with a webhook secret is not looked at for an unsigned one, and that the
// answer does not tell which repositories there are.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// Path that the handler answers.
const Path = "/webhook"

const (
	// maxBody is enough for a push of many commits; GitHub cuts at 25 MB, but
	// what names the repository then still fits for all but a few.
	maxBody = 1 << 20
	// perSecond and burst bound the webhooks of all repositories together.
	perSecond = 50
	burst     = 200
)

// Target is a Repository that a webhook's URL belongs to.
type Target struct {
	types.NamespacedName
	// Signed says that the Repository wants signed webhooks only.
	Signed bool
	// Token is the secret; empty when it cannot be read.
	Token []byte
}

// Repositories finds what webhooks are about.
type Repositories interface {
	// ByURL finds the Repositories with a normalised URL.
	ByURL(ctx context.Context, normalized string) ([]Target, error)
	// Hint asks for a look at once.
	Hint(types.NamespacedName)
}

// Handler answers POST /webhook. An unsigned webhook gets 202, whether or not
// it is about a Repository here and whether or not that wants signed ones. A
// signed webhook gets 202 when a Repository verifies the signature and else
// 403, again whether or not it is about one here. So nothing can be learned
// from the answer without the secret, and a wrong secret shows at the forge.
type Handler struct {
	repositories Repositories
	log          *slog.Logger
	limiter      *rate.Limiter
}

// New makes a Handler.
func New(r Repositories, log *slog.Logger) *Handler {
	return &Handler{repositories: r, log: log, limiter: rate.NewLimiter(perSecond, burst)}
}

// answer is the body of a 202.
type answer struct {
	// URLs is how many URLs in the body look like a repository's.
	URLs int `json:"urls"`
}

// ServeHTTP takes one webhook.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != Path {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "send webhooks with POST", http.StatusMethodNotAllowed)
		return
	}
	if !h.limiter.Allow() {
		count("limited")
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many webhooks", http.StatusTooManyRequests)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		count("invalid")
		http.Error(w, "the body is longer than 1 MiB", http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		count("invalid")
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	urls := URLs(event(r.Header.Get("Content-Type"), body))
	verified, err := h.hint(r.Context(), urls, r.Header, body)
	switch {
	case err != nil:
		count("error")
		h.log.Error("webhook cannot be handled", "error", err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	case carriesSignature(r.Header) && !verified:
		count("refused")
		http.Error(w, "no Repository verifies this signature; compare the webhook's secret with the Secret in spec.webhookSecretRef", http.StatusForbidden)
	default:
		count("accepted")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(answer{URLs: len(urls)})
	}
}

// hint asks for a look at each Repository that accepts the webhook, and reports
// whether one verified its signature.
func (h *Handler) hint(ctx context.Context, urls []string, header http.Header, body []byte) (verified bool, err error) {
	hinted := map[types.NamespacedName]bool{}
	for _, u := range urls {
		targets, err := h.repositories.ByURL(ctx, u)
		if err != nil {
			return false, err
		}
		for _, t := range targets {
			ok := t.Signed && signed(header, body, t.Token, time.Now())
			verified = verified || ok
			if (t.Signed && !ok) || hinted[t.NamespacedName] {
				continue
			}
			hinted[t.NamespacedName] = true
			h.repositories.Hint(t.NamespacedName)
			h.log.Debug("webhook asks for a look", "namespace", t.Namespace, "repository", t.Name)
		}
	}
	return verified, nil
}

// event is the JSON of a webhook: the body, or the form field that GitHub puts
// it into when the content type is chosen so.
func event(contentType string, body []byte) []byte {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return body
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("payload") {
		return body
	}
	return []byte(form.Get("payload"))
}
