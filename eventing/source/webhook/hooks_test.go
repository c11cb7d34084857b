package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/ingress"
	"github.com/headway-dev/headway/eventing/source"
)

// world is what hooks have around them: a channel and what is told of a source.
type world struct {
	*Hooks
	mu      sync.Mutex
	refuse  error
	kept    map[string]event.Event // by id
	taken   int
	problem error
}

func newWorld() *world {
	w := &world{kept: map[string]event.Event{}}
	w.Hooks = New(func(_ context.Context, name types.NamespacedName) (bool, error) { return name == pushes, nil })
	w.now = func() time.Time { return noon }
	return w
}

func (w *world) Append(_ context.Context, events []event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		if w.refuse == nil {
			w.kept[e.ID] = e
		}
	}
	return w.refuse
}

func (w *world) Accepted(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken += n
}

func (w *world) Position(string) {}

func (w *world) Problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problem = err
}

// begin runs a source until end is called.
func (w *world) begin(kind, secret string, events ...string) (end func()) {
	hook := &v1alpha1.WebhookSource{Secret: v1alpha1.KeyRef{Name: "hook", Key: "token"}, Events: events}
	spec := v1alpha1.SourceSpec{Channel: "orders"}
	switch kind {
	case source.GitHub:
		spec.GitHub = hook
	case source.GitLab:
		spec.GitLab = hook
	case source.Gitea:
		spec.Gitea = hook
	}
	c := source.Config{Name: pushes, Spec: spec, Secrets: map[string]map[string][]byte{"hook": {"token": []byte(secret)}}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- w.Run(kind)(ctx, c, w, w) }()
	for w.running() == nil {
		time.Sleep(time.Millisecond) // until it is there
	}
	return func() { cancel(); <-ended }
}

func (w *world) running() *hook {
	w.Hooks.mu.Lock()
	defer w.Hooks.mu.Unlock()
	return w.hooks[pushes]
}

func sum(secret, text string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// sign makes the headers as a forge does, with others added.
func sign(kind, secret, body string, others ...string) http.Header {
	var h http.Header
	switch key, standard := strings.CutPrefix(secret, "whsec_"); {
	case kind == source.GitHub:
		h = headers("X-GitHub-Event", "push", "X-GitHub-Delivery", "1", "X-Hub-Signature-256", "sha256="+hex.EncodeToString(sum(secret, body)))
	case kind == source.Gitea:
		h = headers("X-Gitea-Event", "push", "X-Gitea-Delivery", "1", "X-Gitea-Signature", hex.EncodeToString(sum(secret, body)))
	case standard:
		raw, _ := base64.StdEncoding.DecodeString(key)
		at := strconv.FormatInt(noon.Unix(), 10)
		h = headers("Webhook-Id", "1", "Webhook-Timestamp", at, "Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(sum(string(raw), "1."+at+"."+body)))
	default:
		h = headers("Idempotency-Key", "1", "X-Gitlab-Token", secret)
	}
	for i := 0; i < len(others); i += 2 {
		h.Set(others[i], others[i+1])
	}
	return h
}

const push = `{"object_kind": "push", "ref": "refs/heads/main"}`

// TestTake: what is signed is kept once, however often it is sent; what is not, is
// not.
func TestTake(t *testing.T) {
	for _, tc := range []struct{ kind, secret string }{
		{source.GitHub, "s3cret"}, {source.Gitea, "s3cret"}, {source.GitLab, "s3cret"}, {source.GitLab, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
	} {
		t.Run(tc.kind+" "+tc.secret[:5], func(t *testing.T) {
			w := newWorld()
			defer w.begin(tc.kind, tc.secret+"\n")()
			one := w.running()
			take := func(header http.Header, body string) int {
				err := one.Take(t.Context(), header, []byte(body))
				var no *ingress.Refusal
				switch {
				case err == nil:
					return http.StatusAccepted
				case errors.As(err, &no):
					return no.Status
				}
				t.Fatal(err)
				return 0
			}
			good := sign(tc.kind, tc.secret, push)
			for range 2 {
				if got := take(good, push); got != http.StatusAccepted {
					t.Errorf("signed: %d", got)
				}
			}
			if e, ok := w.kept["1"]; len(w.kept) != 1 || !ok || string(e.Data) != push || w.taken != 2 {
				t.Errorf("%d taken, kept %v", w.taken, w.kept)
			}
			for name, refused := range map[string]struct {
				header http.Header
				body   string
				want   int
			}{
				"another secret": {sign(tc.kind, "whsec_AAAA"+tc.secret[6:], push), push, 401},
				"no signature":   {headers("X-GitHub-Event", "push", "X-Gitea-Event", "push"), push, 401},
				"no JSON":        {sign(tc.kind, tc.secret, "payload"), "payload", 400},
				"an array":       {sign(tc.kind, tc.secret, "[]"), "[]", 400},
				"null":           {sign(tc.kind, tc.secret, "null"), "null", 400},
				"a form":         {sign(tc.kind, tc.secret, "payload=%7B%7D", "Content-Type", "application/x-www-form-urlencoded"), "payload=%7B%7D", 415},
				"no event":       {sign(tc.kind, tc.secret, `{}`, "X-GitHub-Event", "", "X-Gitea-Event", ""), `{}`, 400},
				"an odd event":   {sign(tc.kind, tc.secret, `{"object_kind": "a/b"}`, "X-GitHub-Event", "a/b", "X-Gitea-Event", "a b"), `{"object_kind": "a/b"}`, 400},
			} {
				if got := take(refused.header, refused.body); got != refused.want {
					t.Errorf("%s: %d, want %d", name, got, refused.want)
				}
			}
			if len(w.kept) != 1 {
				t.Errorf("kept %v", w.kept)
			}
		})
	}
}

// TestSignatureOfAnotherForge: a header that another forge signs with counts for
// nothing.
func TestSignatureOfAnotherForge(t *testing.T) {
	w := newWorld()
	defer w.begin(source.GitHub, "s3cret")()
	header := sign(source.Gitea, "s3cret", push, "X-GitHub-Event", "push", "X-Gitlab-Token", "s3cret")
	if err := w.running().Take(t.Context(), header, []byte(push)); err == nil {
		t.Error("taken")
	}
}

func TestEventsThatAreNotWanted(t *testing.T) {
	w := newWorld()
	defer w.begin(source.GitHub, "s3cret", "push", "release")()
	for event, want := range map[string]int{"issues": 0, "push": 1} {
		clear(w.kept)
		if err := w.running().Take(t.Context(), sign(source.GitHub, "s3cret", push, "X-GitHub-Event", event), []byte(push)); err != nil || len(w.kept) != want {
			t.Errorf("%s: %v, kept %v", event, err, w.kept)
		}
	}
}

// TestRotation: the secret of before is good for a while, and no longer.
func TestRotation(t *testing.T) {
	w := newWorld()
	now := noon
	w.now = func() time.Time { return now }
	w.begin(source.GitHub, "old")()
	w.begin(source.GitHub, "old")() // the same again, for another reason
	defer w.begin(source.GitHub, "new")()
	for _, tc := range []struct {
		secret string
		after  time.Duration
		good   bool
	}{{"old", 0, true}, {"new", 0, true}, {"old", overlap, false}, {"new", overlap, true}, {"", 0, false}} {
		now = noon.Add(tc.after)
		err := w.running().Take(t.Context(), sign(source.GitHub, tc.secret, push), []byte(push))
		if (err == nil) != tc.good {
			t.Errorf("%q after %s: %v", tc.secret, tc.after, err)
		}
	}
	w.Forget(pushes)
	if len(w.secrets) > 0 {
		t.Error("a source that is gone is remembered")
	}
}

// TestFind waits for a source that is run anew, and says why there is none.
func TestFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		began := time.Now()
		_, err := w.Find(t.Context(), pushes)
		var no *ingress.Refusal
		if !errors.As(err, &no) || no.Status != http.StatusServiceUnavailable || no.RetryAfter != stoppedPause || time.Since(began) != patience {
			t.Errorf("stopped: %v after %s", err, time.Since(began))
		}
		if _, err := w.Find(t.Context(), types.NamespacedName{Namespace: "shop", Name: "other"}); !errors.As(err, &no) || no.Status != http.StatusNotFound {
			t.Errorf("unknown: %v", err)
		}
		ends := make(chan func(), 1)
		go func() {
			time.Sleep(time.Second)
			ends <- w.begin(source.GitHub, "s3cret")
		}()
		if one, err := w.Find(t.Context(), pushes); err != nil || one.Channel() != (types.NamespacedName{Namespace: "shop", Name: "orders"}) {
			t.Errorf("run anew: %v, %v", one, err)
		}
		(<-ends)()
		w.exists = func(context.Context, types.NamespacedName) (bool, error) {
			return false, errors.New("the cache is empty")
		}
		if _, err := w.Find(t.Context(), pushes); !errors.As(err, &no) || no.Status != http.StatusServiceUnavailable {
			t.Errorf("starting: %v", err)
		}
	})
}

// TestAnswers has what a forge gets over HTTP.
func TestAnswers(t *testing.T) {
	w := newWorld()
	handler := ingress.New(access.NewGuard(nil, time.Now), slog.New(slog.DiscardHandler))
	handler.Hooks = w
	handler.Ready()
	server := httptest.NewServer(handler)
	defer server.Close()
	defer w.begin(source.GitHub, "s3cret")()
	for _, tc := range []struct {
		name, method, path string
		refuse             error
		body               string
		want               int
		retryAfter, part   string
		problem            bool
	}{
		{name: "taken", body: push, want: 202},
		{name: "of an unknown source", path: "/hooks/shop/pull", body: push, want: 404, part: "There is no such source"},
		{name: "no source", path: "/hooks/shop", body: push, want: 404, part: "There is no such channel"},
		{name: "too long a path", path: "/hooks/shop/pushes/1", body: push, want: 404, part: "Events are sent to"},
		{name: "got", method: http.MethodGet, want: 405, part: "sent by POST"},
		{name: "full", body: push, refuse: &channel.Full{RetryAfter: 7 * time.Second}, want: 503, retryAfter: "7", part: "Channel shop/orders is full"},
		{name: "unavailable", body: push, refuse: &channel.Unavailable{RetryAfter: 3 * time.Second}, want: 503, retryAfter: "3"},
		{name: "too large for the channel", body: push, refuse: &channel.TooLarge{Reason: "it is larger than maxEvent"}, want: 413, part: "larger than maxEvent", problem: true},
		{name: "too large for every channel", body: `{"a": "` + strings.Repeat("a", v1alpha1.MostMaxEvent) + `"}`, want: 413, problem: true},
		{name: "taken again", body: push, want: 202},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.mu.Lock()
			w.refuse = tc.refuse
			w.mu.Unlock()
			method, path := http.MethodPost, "/hooks/shop/pushes"
			if tc.method != "" {
				method = tc.method
			}
			if tc.path != "" {
				path = tc.path
			}
			request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header = sign(source.GitHub, "s3cret", tc.body)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tc.want || response.Header.Get("Retry-After") != tc.retryAfter || !strings.Contains(string(text), tc.part) {
				t.Errorf("answered %d %v: %s", response.StatusCode, response.Header, text)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if (w.problem != nil) != tc.problem {
				t.Errorf("the problem is %v", w.problem)
			}
		})
	}
}

// FuzzTake: no headers and no body are taken that are not signed, and none are a
// reason to fall over.
func FuzzTake(f *testing.F) {
	f.Add(source.GitHub, "X-Hub-Signature-256", "sha256=00", push)
	f.Add(source.Gitea, "X-Gitea-Signature", strings.Repeat("0", 64), "{}")
	f.Add(source.GitLab, "X-Gitlab-Token", "s3cre", "[")
	f.Add(source.GitLab, "Webhook-Signature", "v1, v1,AAAA", "")
	f.Fuzz(func(t *testing.T, kind, name, value, body string) {
		if forges[kind] == nil || value == "whsec_c2VjcmV0" {
			return
		}
		w := newWorld()
		one := &hook{
			Config: source.Config{Name: pushes}, forge: forges[kind], spec: &v1alpha1.WebhookSource{},
			secrets: secrets{now: []byte("whsec_c2VjcmV0")}, sink: w, report: w, now: w.now,
		}
		header := headers("X-GitHub-Event", "push", "X-Gitea-Event", "push", "Webhook-Id", "1", "Webhook-Timestamp", strconv.FormatInt(noon.Unix(), 10))
		header[http.CanonicalHeaderKey(name)] = []string{value}
		if err := one.Take(t.Context(), header, []byte(body)); err == nil || len(w.kept) > 0 {
			t.Errorf("taken: %q: %q", name, value)
		}
		good := sign(kind, "whsec_c2VjcmV0", body)
		if err := one.Take(t.Context(), good, []byte(body)); (err == nil) != (len(w.kept) == 1) {
			t.Errorf("%v, kept %v", err, w.kept)
		}
	})
}
