package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/headway-dev/headway/api/signature"
)

// HasOutside reports whether a channel has a way in from outside.
func (r *Rule) HasOutside() bool { return r.access.Outside != nil }

// signs reports whether senders outside may sign.
func (r *Rule) signs() bool { return r.keys != nil }

// Outsider is a request from outside, of which the head is right.
type Outsider struct {
	rule *Rule
	// certificate is the name of a client certificate that may send; "": the body has
	// to be signed.
	certificate string
	signed      signature.Signed
}

// Outside decides what can be decided about a request from outside before its body
// is read; inBody says that its events are there altogether. The channel must have
// a way in from outside.
func (r *Rule) Outside(request *http.Request, inBody bool) (*Outsider, *Denial) {
	names := Names(request.Context())
	if name := r.certified(names); name != "" {
		return &Outsider{rule: r, certificate: name}, nil
	}
	if !r.signs() {
		return nil, r.uncertified(names)
	}
	signed, err := signature.ParseStandard(request.Header)
	now := r.keys.now()
	switch {
	case errors.Is(err, signature.ErrNone):
		return nil, r.unsigned(NoSignature, "Events from outside have to be signed, as Standard Webhooks says, with the key that the channel names.", nil)
	case err != nil:
		return nil, r.unsigned(BadSignature, "The signature is refused: "+err.Error()+".", err)
	case now.Sub(signed.At).Abs() > signature.MaxAge:
		return nil, r.unsigned(BadSignature, fmt.Sprintf(
			"The signature is refused: its webhook-timestamp is more than %s away from the time here, %d.", signature.MaxAge, now.Unix()), nil)
	case !inBody:
		// Whoever has seen such a request could send its body again as other events.
		return nil, r.unsigned(BadSignature,
			"The signature is refused: it is one of the body alone, and the attributes of this event are headers. Send the event in structured mode, as application/cloudevents+json.", nil)
	}
	return &Outsider{rule: r, signed: signed}, nil
}

// Verify decides by the body. Only a look at the Secret that began after the
// request came makes a signature wrong: who signs with a new key is never refused
// because the old one is remembered.
func (o *Outsider) Verify(ctx context.Context, body []byte) (string, *Denial) {
	if o.certificate != "" {
		return certifiedSender(o.certificate), nil
	}
	ref, keys := o.rule.access.Outside.HMAC, o.rule.keys
	came := keys.now()
	if o.signed.Verify(keys.peek(ctx, ref), body) {
		return Outside, nil
	}
	known, err := keys.read(ctx, ref, came)
	switch {
	case o.signed.Verify(known, body):
		return Outside, nil
	case err != nil:
		return "", unavailable(NoKey, "The key of the channel cannot be read, so that no signature can be checked.", err)
	}
	return "", o.rule.unsigned(BadSignature, "The signature is refused: it is none of this request with the key that the channel names.", nil)
}

func (r *Rule) unsigned(kind, detail string, err error) *Denial {
	return unauthorized(kind, "StandardWebhooks", r.name.String(), detail, err)
}
