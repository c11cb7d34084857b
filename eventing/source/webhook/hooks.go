// Package webhook takes the webhooks of GitHub, GitLab, and Gitea or Forgejo as
// sources of events.
//
// It promises that nothing is taken which is not signed with the secret of its
// Source, that 202 is answered only when the event is on disk, that the body is
// passed on byte for byte, and that a webhook which is sent again has the id of
// before. Events whose names it does not know are taken like others. It does not
// promise that somebody who has recorded a webhook of GitHub or Gitea cannot send it
// again under another number: these do not sign it, and not the time.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/ingress"
	"github.com/headway-dev/headway/eventing/source"
)

const (
	// overlap is how long the secret of before is good, too: so that it can be
	// changed at the forge after it was changed here.
	overlap = 10 * time.Minute
	// patience is how long a webhook waits for a source that is run anew. Forges send
	// each only once.
	patience = 5 * time.Second
	// stoppedPause is when one is to be sent again that waits for longer.
	stoppedPause = 30 * time.Second
)

// Hooks are the sources that take webhooks. All methods may be called at the same
// time.
type Hooks struct {
	// exists reports whether there is a Source.
	exists func(context.Context, types.NamespacedName) (bool, error)
	now    func() time.Time

	mu      sync.Mutex
	hooks   map[types.NamespacedName]*hook
	secrets map[types.NamespacedName]secrets
	changed chan struct{} // closed, and replaced, when a hook comes
}

// secrets are those that are good: old until a time.
type secrets struct {
	now, old []byte
	until    time.Time
}

// New returns Hooks without a source. exists reports whether there is a Source, of
// whatever kind.
func New(exists func(context.Context, types.NamespacedName) (bool, error)) *Hooks {
	return &Hooks{
		exists: exists, now: time.Now, changed: make(chan struct{}),
		hooks: map[types.NamespacedName]*hook{}, secrets: map[types.NamespacedName]secrets{},
	}
}

// Run is how a source of a forge, one of source.GitHub, GitLab and Gitea, is run:
// it takes what Find finds it for.
func (h *Hooks) Run(kind string) source.Run {
	return func(ctx context.Context, c source.Config, sink source.Sink, report source.Report) error {
		spec := source.Webhook(&c.Spec)
		one := &hook{Config: c, forge: forges[kind], spec: spec, sink: sink, report: report, now: h.now}
		h.open(one, bytes.TrimRight(c.Secrets[spec.Secret.Name][spec.Secret.Key], "\r\n"))
		defer h.shut(one)
		report.Problem(nil)
		<-ctx.Done()
		return nil
	}
}

func (h *Hooks) open(one *hook, secret []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := h.secrets[one.Name]
	if !bytes.Equal(known.now, secret) {
		known = secrets{now: secret, old: known.now, until: h.now().Add(overlap)}
		h.secrets[one.Name] = known
	}
	one.secrets = known
	h.hooks[one.Name] = one
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *Hooks) shut(one *hook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hooks[one.Name] == one {
		delete(h.hooks, one.Name)
	}
}

// Forget the secrets of a source that is gone.
func (h *Hooks) Forget(name types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.secrets, name)
}

// Find is the source that takes webhooks under a name; else a *ingress.Refusal. It
// waits for a moment for one that is run anew.
func (h *Hooks) Find(ctx context.Context, name types.NamespacedName) (ingress.Hook, error) {
	over := time.NewTimer(patience)
	defer over.Stop()
	for {
		h.mu.Lock()
		one, changed := h.hooks[name], h.changed
		h.mu.Unlock()
		if one != nil {
			return one, nil
		}
		switch there, err := h.exists(ctx, name); {
		case err != nil:
			return nil, &ingress.Refusal{Kind: "starting", Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Err: err,
				Detail: "The sources are being opened. Send again in a moment."}
		case !there:
			return nil, &ingress.Refusal{Kind: "unknown-source", Status: http.StatusNotFound,
				Detail: "There is no such source. The path is /hooks/<namespace>/<source>; `headway events sources` lists those of a namespace."}
		}
		select {
		case <-changed:
			continue
		case <-ctx.Done():
		case <-over.C:
		}
		return nil, &ingress.Refusal{Kind: "source-stopped", Status: http.StatusServiceUnavailable, RetryAfter: stoppedPause,
			Detail: "Source " + name.String() + " takes no webhooks: it is paused, of another kind, or waits for its channel or its Secret. Its status says which."}
	}
}

// hook is one source that runs.
type hook struct {
	source.Config
	forge   *forge
	spec    *v1alpha1.WebhookSource
	secrets secrets
	sink    source.Sink
	report  source.Report
	now     func() time.Time
}

// Channel that gets the events.
func (h *hook) Channel() types.NamespacedName {
	return types.NamespacedName{Namespace: h.Name.Namespace, Name: h.Spec.Channel}
}

// Take has the event of a webhook in the channel when it returns nil, unless the
// source does not want it. Else it is a *ingress.Refusal, or what the channel says.
func (h *hook) Take(ctx context.Context, header http.Header, body []byte) error {
	now := h.now()
	if !h.signed(header, body, now) {
		return &ingress.Refusal{Kind: "signature", Status: http.StatusUnauthorized,
			Detail: fmt.Sprintf("The webhook is not signed with the secret of source %s, key %s of Secret %s. Give the forge the same secret.", h.Name, h.spec.Secret.Key, h.spec.Secret.Name)}
	}
	if media, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || media != "application/json" {
		return &ingress.Refusal{Kind: "media-type", Status: http.StatusUnsupportedMediaType,
			Detail: "The body is not application/json. Choose this content type for the webhook at the forge."}
	}
	d, err := parseDocument(body)
	if err != nil {
		return &ingress.Refusal{Kind: "invalid", Status: http.StatusBadRequest, Err: err, Detail: "The webhook is refused: " + err.Error() + "."}
	}
	name := h.forge.kind(header, d)
	if !plain(name) {
		return &ingress.Refusal{Kind: "invalid", Status: http.StatusBadRequest, Detail: "The webhook does not say which event it is."}
	}
	if len(h.spec.Events) > 0 && !slices.Contains(h.spec.Events, name) {
		return nil
	}
	err = h.sink.Append(ctx, []event.Event{h.forge.event(h.Name, name, header, d, body, now)})
	switch {
	case err == nil:
		h.report.Accepted(1)
		h.report.Problem(nil)
	case errors.As(err, new(*channel.TooLarge)):
		h.report.Problem(fmt.Errorf("a webhook of the event %s was refused: %w", name, err))
	}
	return err
}

func (h *hook) signed(header http.Header, body []byte, now time.Time) bool {
	if h.forge.signed(header, body, h.secrets.now, now) {
		return true
	}
	return len(h.secrets.old) > 0 && now.Before(h.secrets.until) && h.forge.signed(header, body, h.secrets.old, now)
}
