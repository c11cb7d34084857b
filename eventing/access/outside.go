package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/headway-dev/headway/api/signature"
)

// HasOutside reports whether a channel has a way in from outside.
func (r *Rule) HasOutside() bool { return r.keys != nil }

// Outsider is a request from outside, of which the headers are right.
type Outsider struct {
	rule   *Rule
	signed signature.Signed
}

// Outside decides what can be decided about a request from outside before its body
// is read. The channel must have a way in from outside.
func (r *Rule) Outside(h http.Header) (*Outsider, *Denial) {
	signed, err := signature.ParseStandard(h)
	now := r.keys.now()
	switch {
	case errors.Is(err, signature.ErrNone):
		return nil, r.unsigned(NoSignature, "Events from outside have to be signed, as Standard Webhooks says, with the key that the channel names.", nil)
	case err != nil:
		return nil, r.unsigned(BadSignature, "The signature is refused: "+err.Error()+".", err)
	case now.Sub(signed.At).Abs() > signature.MaxAge:
		return nil, r.unsigned(BadSignature, fmt.Sprintf(
			"The signature is refused: its webhook-timestamp is more than %s away from the time here, %d.", signature.MaxAge, now.Unix()), nil)
	}
	return &Outsider{r, signed}, nil
}

// Verify decides by the body. Only a look at the Secret that began after the
// request came makes a signature wrong: who signs with a new key is never refused
// because the old one is remembered.
func (o *Outsider) Verify(ctx context.Context, body []byte) (string, *Denial) {
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
