package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/signature"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

// forge is what differs between the three.
type forge struct {
	// prefix of types.
	prefix string
	// home is the source of events that are of no repository.
	home string
	// ids are headers with the number of a delivery, which is that of before when it
	// is sent again.
	ids []string
	// signed reports whether a request proves that it knows a secret.
	signed func(header http.Header, body, secret []byte, now time.Time) bool
	// kind is the forge's name of the event.
	kind  func(header http.Header, d document) string
	rules map[string]rule
}

var forges = map[string]*forge{
	source.GitHub: {
		prefix: "com.github.", home: "github.com", ids: []string{"X-Github-Delivery"}, rules: gitHub,
		signed: byHeader("X-Hub-Signature-256"), kind: named("X-Github-Event"),
	},
	source.GitLab: {
		prefix: "com.gitlab.", home: "gitlab.com", ids: []string{"Webhook-Id", "Idempotency-Key"}, rules: gitLab,
		signed: func(header http.Header, body, secret []byte, now time.Time) bool {
			return signature.Standard(header, body, secret, now) || signature.Same(header.Get("X-Gitlab-Token"), secret)
		},
		// Those of the whole instance have an event_name.
		kind: func(_ http.Header, d document) string { return d.text("object_kind|event_name") },
	},
	source.Gitea: {
		prefix: "com.gitea.", home: "gitea.com", ids: []string{"X-Gitea-Delivery"}, rules: gitHub,
		signed: byHeader("X-Gitea-Signature"), kind: named("X-Gitea-Event"),
	},
}

func byHeader(name string) func(http.Header, []byte, []byte, time.Time) bool {
	return func(header http.Header, body, secret []byte, _ time.Time) bool {
		return signature.Hex(header.Get(name), body, secret)
	}
}

func named(header string) func(http.Header, document) string {
	return func(h http.Header, _ document) string { return h.Get(header) }
}

// event makes one of a webhook. name is the forge's of the event.
func (f *forge) event(of types.NamespacedName, name string, header http.Header, d document, body []byte, now time.Time) event.Event {
	rule := f.rule(name)
	e := event.Event{
		ID:     f.id(header, body),
		Type:   f.prefix + rule.name,
		Source: source.SourceOf(of), Time: now.UTC().Format(time.RFC3339),
		DataContentType: "application/json", Data: body,
	}
	for path := range strings.SplitSeq(rule.suffix, "/") {
		if part := word(d.text(path)); part != "" {
			e.Type += "." + part
		}
	}
	origin := f.home
	if rule.source != none {
		var parts []string
		for path := range strings.SplitSeq(rule.source, "/") {
			parts = append(parts, d.text(path))
		}
		origin = strings.Trim(strings.Join(parts, "/"), "/")
		if rule.cut != nil {
			origin = rule.cut(origin)
		}
	}
	try(&e, &e.Source, origin)
	try(&e, &e.Subject, d.text(rule.subject))
	try(&e, &e.Time, moment(d.text(rule.time)))
	return e
}

// try sets an attribute of an event that is valid to a value, unless it is not any
// more then.
func try(e *event.Event, attribute *string, value string) {
	before := *attribute
	if value == "" {
		return
	}
	if *attribute = value; e.Validate() != nil {
		*attribute = before
	}
}

// rule is the one of an event, complete.
func (f *forge) rule(name string) rule {
	r := f.rules[name]
	if r.name == "" {
		r.name = word(name)
	}
	for _, field := range []struct{ is, otherwise *string }{
		{&r.suffix, &general.suffix}, {&r.source, &general.source}, {&r.subject, &general.subject}, {&r.time, &general.time},
	} {
		if *field.is == "" {
			*field.is = *field.otherwise
		}
	}
	return r
}

// id is the number of the delivery; else what the body is: so it is the same when
// the webhook is sent again.
func (f *forge) id(header http.Header, body []byte) string {
	for _, name := range f.ids {
		if id := header.Get(name); plain(id) {
			return id
		}
	}
	sum := sha256.Sum256(body)
	return "sha256-" + hex.EncodeToString(sum[:])
}

// maxWord is the longest word in bytes.
const maxWord = 128

// plain reports whether a text is made of letters, digits, hyphens and underscores.
func plain(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return text != "" && len(text) <= maxWord
}

// word is a plain text as a part of a type, in small letters: MergeRequest becomes
// merge_request. Another text is "".
func word(text string) string {
	if !plain(text) {
		return ""
	}
	var w strings.Builder
	for i, c := range text {
		if i > 0 && unicode.IsUpper(c) && unicode.IsLower(rune(text[i-1])) {
			w.WriteByte('_')
		}
		w.WriteRune(unicode.ToLower(c))
	}
	return w.String()
}

// moment is a time as RFC 3339 has it; "" if it is none. GitLab has other ones.
func moment(text string) string {
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return ""
}
