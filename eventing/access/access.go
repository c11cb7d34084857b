// Package access decides who may send to a channel.
//
// Inside the cluster that is everybody, unless the Channel asks for a token: then
// it is who shows one of a service account of its namespace, or of its senders,
// that was made for this channel. From outside it is who signs with the key that
// the Channel names, or has a client certificate with a name that it names; the
// token of the inside is worth nothing there.
//
// It promises that a flood of made-up tokens costs little: what can be seen to be
// wrong is refused without asking anybody, the rest is asked once, and never more
// than maxReviews at a time. It looks at no event.
package access

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Denial is why a request is refused, and what can be done.
type Denial struct {
	// Kind is one of Kinds.
	Kind string
	// Status of the answer: 401, 403 or 503.
	Status int
	// Detail is a sentence for people.
	Detail string
	// Challenge is the WWW-Authenticate of a 401.
	Challenge string
	// RetryAfter is when to send again; 0: not as it is.
	RetryAfter time.Duration
	// Err is for the log.
	Err error
}

// Kinds of denials.
const (
	NoToken      = "no-token"
	BadToken     = "bad-token"
	NotAllowed   = "not-allowed"
	NoReview     = "no-review" // nobody can say whether a token is valid
	NoSignature  = "no-signature"
	BadSignature = "bad-signature"
	NoKey        = "no-key" // there is nothing to check a signature with

	NoCertificate = "no-certificate"
)

// Kinds are all of them.
var Kinds = []string{NoToken, BadToken, NotAllowed, NoReview, NoSignature, BadSignature, NoKey, NoCertificate}

// Outside is a sender who has signed, in words for people.
const Outside = "outside, signed"

// certifiedSender is the one with a client certificate of this name.
func certifiedSender(name string) string { return "outside, certificate of " + name }

// accountSender is the one with a token.
func accountSender(account types.NamespacedName) string {
	return "service account " + account.String()
}

// anonymous is a sender of whom only the address is known.
func anonymous(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return "anonymous " + host
}

// unavailable is for what cannot be decided now.
func unavailable(kind, detail string, err error) *Denial {
	return &Denial{Kind: kind, Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Err: err, Detail: detail + " Send again in a moment."}
}

// unauthorized is for who has not shown who they are.
func unauthorized(kind, scheme, realm, detail string, err error) *Denial {
	challenge := fmt.Sprintf("%s realm=%q", scheme, realm)
	if kind == BadToken { // RFC 6750, section 3
		challenge += `, error="invalid_token"`
	}
	return &Denial{Kind: kind, Status: http.StatusUnauthorized, Challenge: challenge, Detail: detail, Err: err}
}
