package ingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/event"
)

// allowed are the methods of a channel.
const allowed = "POST, OPTIONS"

// kinds of refusals: the label of the metric.
var kinds = append([]string{
	"wrong-path", "unknown-channel", "wrong-method", "no-length", "too-large", "media-type", "invalid",
	"broken-body", "slow", "busy", "starting", "full", "unavailable", "gone", "failed",
	"unknown-source", "source-stopped", "signature",
}, access.Kinds...)

// refusal is why events are not taken, and what the sender can do.
type refusal struct {
	kind   string
	status int
	// detail is a sentence for people.
	detail string
	// problem is what is wrong with an event.
	problem *event.Problem
	// retryAfter is when to send again; 0: not as it is.
	retryAfter time.Duration
	// challenge is the WWW-Authenticate of the answer.
	challenge string
	// closes ends the connection if there is a body: it has not been read, and the
	// server would wait for it before it answers.
	closes bool
	// err is for the log.
	err error
}

var wrongPath = &refusal{kind: "wrong-path", status: http.StatusNotFound, closes: true,
	detail: "Events are sent to /<namespace>/<channel>."}

var unknown = &refusal{kind: "unknown-channel", status: http.StatusNotFound, closes: true,
	detail: "There is no such channel. The path is /<namespace>/<channel>; `headway events channels` lists those of a namespace. From outside of the cluster only those are there that have access.outside."}

var lengthRequired = &refusal{kind: "no-length", status: http.StatusLengthRequired,
	detail: "The request has no body, where the event should be, and says of none how long it is. Send a Content-Length, or chunks."}

// denied is for who may not send; read says that the body was read.
func denied(no *access.Denial, read bool) *refusal {
	return &refusal{kind: no.Kind, closes: !read, status: no.Status, detail: no.Detail, challenge: no.Challenge, retryAfter: no.RetryAfter, err: no.Err}
}

func wrongMethod(method string) *refusal {
	return &refusal{kind: "wrong-method", status: http.StatusMethodNotAllowed, closes: true,
		detail: fmt.Sprintf("Events are sent by POST, not by %q.", clip(method))}
}

// encoded is for a body that was compressed: what is kept of an event has no
// place to say so.
func encoded(encoding string) *refusal {
	return &refusal{kind: "media-type", status: http.StatusUnsupportedMediaType, closes: true,
		detail: fmt.Sprintf("The body has the Content-Encoding %q. Send it without one.", clip(encoding))}
}

// unreadable is for what is no event.
func unreadable(err error) *refusal {
	var problem *event.Problem
	var unsupported *event.Unsupported
	switch {
	case errors.As(err, &unsupported):
		return &refusal{kind: "media-type", status: http.StatusUnsupportedMediaType, err: err,
			detail: "The request cannot be read: " + err.Error() + "."}
	case errors.As(err, &problem):
		return &refusal{kind: "invalid", status: http.StatusBadRequest, err: err, problem: problem,
			detail: "The event is refused: " + err.Error() + "."}
	}
	return &refusal{kind: "invalid", status: http.StatusBadRequest, err: err,
		detail: "The request cannot be read: " + err.Error() + "."}
}

// clip shortens what a client sent for use in an answer.
func clip(text string) string { return text[:min(len(text), 130)] }

// refusals answers, counts and logs.
type refusals struct {
	log    *slog.Logger
	pauses map[string]*rate.Sometimes // by kind
}

func newRefusals(log *slog.Logger) *refusals {
	r := &refusals{log: log, pauses: map[string]*rate.Sometimes{}}
	for _, kind := range kinds {
		r.pauses[kind] = &rate.Sometimes{Interval: time.Second}
	}
	return r
}

// answer writes the response to a request that is refused.
func (s *refusals) answer(w http.ResponseWriter, r *http.Request, no *refusal) {
	refused.WithLabelValues(no.kind).Inc()
	s.pauses[no.kind].Do(func() {
		s.log.Warn("refused events", "kind", no.kind, "status", no.status, "path", clip(r.URL.Path), "from", r.RemoteAddr, "error", no.err)
	})
	header := w.Header()
	header.Set("Content-Type", "application/problem+json")
	switch no.status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", allowed)
	case http.StatusUnsupportedMediaType:
		header.Set("Accept-Encoding", "identity")
	}
	if no.challenge != "" {
		header.Set("WWW-Authenticate", no.challenge)
	}
	if no.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(max(1, int(no.retryAfter.Round(time.Second)/time.Second))))
	}
	if no.closes && r.ContentLength != 0 {
		header.Set("Connection", "close")
	}
	w.WriteHeader(no.status)
	_, _ = w.Write(encode(no)) // the client may have gone
}

// encode writes a refusal as a problem document (RFC 9457), with the attribute, the
// reason and the place in a batch as members of their own.
func encode(no *refusal) []byte {
	document, _ := json.Marshal(struct { // cannot fail: strings and a number
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
		*event.Problem
	}{http.StatusText(no.status), no.status, no.detail, no.problem})
	return append(document, '\n')
}
