// Package answer holds what the activator itself says when a request cannot
// reach an app: a status and a text that tells a person what is wrong.
package answer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/grammar"
	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// ErrTimeout ends a request whose response did not start within the
// revision's timeout.
var ErrTimeout = errors.New("the response did not start in time")

// ErrStalled ends a request whose client sent nothing of its body for too
// long.
var ErrStalled = errors.New("the client stopped sending")

// ErrBadBody ends a request whose body is malformed.
var ErrBadBody = errors.New("the body is malformed")

// ErrNoPod ends a request for which no pod became free within the revision's
// timeout.
var ErrNoPod = errors.New("no pod in time")

// ErrConnections ends a request for which there is no place among the connections
// of its app, and ErrMemory one for which there is no memory, in time.
var (
	ErrConnections = errors.New("no room for another connection")
	ErrMemory      = errors.New("no room for what the request has sent")
)

// Header is the field by which a response of the activator's own can be told
// from one of the app, which cannot send it. Its value is the Reason.
const Header = "Headway-Answer"

// Deliveries of events have the field SubscriptionHeader. Answers of apps to these
// have RevisionHeader, with the name of the revision, so that who asks what became
// of an event learns who has answered. Other requests are not told.
const (
	SubscriptionHeader = "Headway-Subscription"
	RevisionHeader     = "Headway-Revision"
)

// ClientGone is the status of a request whose client went away before an
// answer.
const ClientGone = 0

// Answer is a response of the activator's own.
type Answer struct {
	Status int
	// Reason is one word for programs: a label of metrics, and the value of
	// Header. Empty: there is no answer, as the client has gone.
	Reason string
	// RetryAfter in seconds; 0 sends no such header.
	RetryAfter int
	Text       string
}

// Refused is for a request that does not follow the grammar.
func Refused(no *grammar.Refusal) Answer {
	return Answer{Status: no.Status, Reason: record.Refused, Text: "Bad request: " + no.Why + ".\n"}
}

// TooFar is for a request that activators have sent back and forth because they
// do not agree yet which of them keeps a limit.
var TooFar = unavailable("no-keeper", "The activators are being rearranged. Try again.\n")

// Crowded is for a connection that there is no place for.
var Crowded = unavailable("too-many-connections", "This activator has as many connections as it can. Try again in a moment.\n")

// Large is for a request whose head there is no memory for.
var Large = unavailable("no-memory", "This activator has no room for a request with so large a head at the moment. Try again.\n")

// UnknownHost is for a host that no Route has.
func UnknownHost(host string) Answer {
	return Answer{Status: http.StatusNotFound, Reason: "unknown-host", Text: fmt.Sprintf(`No app answers to the host %s.

Headway finds an app by the host name of the request:
  <app>.<domain>                    an app in the namespace "default"
  <app>.<namespace>.<domain>        an app in another namespace
  <revision>.<domain>               one revision, whatever its traffic
  <revision>.<namespace>.<domain>   the same in another namespace

"headway status" shows the apps and their URLs.
`, quote(host))}
}

// quote shows a host that a client sent without letting it send anything else.
func quote(host string) string {
	if len(host) > 253 {
		host = host[:253]
	}
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(".-:[]_", r):
			return r
		}
		return '?'
	}, host)
	return strconv.Quote(clean)
}

// NoRevision is for a host whose Route has no revision that could take the
// request.
func NoRevision(m table.Match) Answer {
	if m.Name != "" {
		return unavailable("no-revision", "Revision %q of app %q does not exist any more, or not yet.\n", m.Name, m.App)
	}
	return unavailable("no-revision", "No revision of app %q is ready yet.\n\n\"headway status %s\" shows how far it is.\n", m.App, m.App)
}

func unavailable(reason, format string, args ...any) Answer {
	return Answer{Status: http.StatusServiceUnavailable, Reason: reason, RetryAfter: 1, Text: fmt.Sprintf(format, args...)}
}

// Failed is for a request that a revision could not answer because of err.
func Failed(rev *backend.Revision, err error) Answer {
	var cannot *backend.CannotStart
	switch {
	case errors.As(err, &cannot):
		return unavailable("cannot-start", "Revision %q of app %q cannot start: %s.\n\n\"headway status %s\" shows why.\n",
			rev.Name, rev.App, cannot.Reason, rev.App)
	case errors.Is(err, backend.ErrQueueFull):
		return unavailable("queue-full", "Too many requests wait for app %q. Try again in a moment.\n", rev.App)
	case errors.Is(err, ErrConnections):
		return unavailable("too-many-connections", "App %q has as many connections as its share of this activator allows. Try again in a moment.\n", rev.App)
	case errors.Is(err, ErrMemory):
		return unavailable("no-memory", "What is kept for app %q is as much as its share of this activator's memory allows. Try again in a moment.\n", rev.App)
	case errors.Is(err, backend.ErrClosed):
		return unavailable("deleted", "Revision %q of app %q has just been deleted. Try again.\n", rev.Name, rev.App)
	case errors.Is(err, ErrNoPod):
		return unavailable("no-pod", "No pod of revision %q of app %q was free within %s.\n\n\"headway status %s\" shows why.\n",
			rev.Name, rev.App, rev.Timeout.Round(time.Millisecond), rev.App)
	case errors.Is(err, ErrTimeout):
		return Answer{Status: http.StatusGatewayTimeout, Reason: record.Late, Text: fmt.Sprintf(
			"App %q did not begin to answer within %s (\"timeout\" in its headway.yaml).\n", rev.App, rev.Timeout)}
	case errors.Is(err, ErrStalled):
		return Answer{Status: http.StatusRequestTimeout, Reason: record.Stalled, Text: fmt.Sprintf(
			"Request timeout: no byte of the request's body came for %s.\n", rev.Stall)}
	case errors.Is(err, ErrBadBody):
		return Answer{Status: http.StatusBadRequest, Reason: record.BadBody, Text: "Bad request: the body is malformed or incomplete.\n"}
	case errors.Is(err, context.Canceled):
		return Answer{Status: ClientGone}
	default:
		return Answer{Status: http.StatusBadGateway, Reason: record.Broken, Text: fmt.Sprintf(
			"App %q closed the connection before it answered, or its answer was not valid HTTP.\n", rev.App)}
	}
}
