package receiver

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// longestToken is four times what the API server's tokens have.
	longestToken = 8 << 10
	// skew is how far the clocks of this machine and of the API server may be
	// apart.
	skew = time.Minute
)

// claims are what a service account's token says of itself (RFC 7519). Nobody
// has verified them: they are good for nothing but to refuse a token without a
// question to the API server, which would refuse it, too.
type claims struct {
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  int64    `json:"exp"` // seconds since 1970
}

// audience is a list, or one alone.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// read returns the claims of a token that could be user's. An error is why it
// cannot be.
func read(token, user string, now time.Time) (claims, error) {
	var c claims
	if token == "" {
		return c, errors.New("a bearer token is required")
	}
	parts := strings.Split(token, ".")
	if len(token) > longestToken || len(parts) != 3 {
		return c, errNoToken
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return c, errNoToken
	}
	switch {
	case !slices.Contains(c.Audience, Audience):
		return c, errors.New("the token is made for another audience")
	case c.expires().Add(skew).Before(now):
		return c, errors.New("the token has expired")
	case c.Subject != user:
		return c, fmt.Errorf("%.100q may not report", c.Subject)
	}
	return c, nil
}

var errNoToken = errors.New("this is no token of a service account")

func (c claims) expires() time.Time { return time.Unix(c.Expires, 0) }
