package access

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxToken is the longest token in bytes that is looked at. Kubernetes' own have
// about 1 KiB.
const maxToken = 8 << 10

// ProxiedHeader is where a token may be, too. The API server, through which people
// send, takes the header Authorization for itself.
const ProxiedHeader = "Headway-Authorization"

// bearer is the token that a request shows.
func bearer(h http.Header) (token string, shown bool) {
	for _, name := range []string{"Authorization", ProxiedHeader} {
		scheme, rest, ok := strings.Cut(h.Get(name), " ")
		if ok && strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

// claims are what a token says of itself. They count for nothing before the token
// was reviewed, but can show that this need not be done.
type claims struct {
	Audiences audiences `json:"aud"`
	// Expires is in seconds since 1970.
	Expires float64 `json:"exp"`
}

// audiences is one or several (RFC 7519, section 4.1.3).
type audiences []string

// UnmarshalJSON takes both forms.
func (a *audiences) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// parseToken reads the claims of a token in the form of RFC 7519, signed or not.
func parseToken(token string) (c claims, err error) {
	if len(token) > maxToken {
		return c, fmt.Errorf("it has more than %d bytes", maxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return c, errors.New("it is no JSON Web Token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return c, errors.New("it is no JSON Web Token")
	}
	return c, nil
}

// checkToken returns when a token ends that may be good for an audience, or what
// can be seen to be wrong with it.
func checkToken(token, audience string, now time.Time) (expires time.Time, err error) {
	c, err := parseToken(token)
	if err != nil {
		return time.Time{}, err
	}
	if !slices.Contains(c.Audiences, audience) {
		return time.Time{}, errors.New("it is made for another audience")
	}
	// A time that does not fit is one that never comes, or is long past.
	seconds := min(max(c.Expires, 0), float64(1<<40))
	expires = time.Unix(int64(seconds), 0)
	if !now.Before(expires) {
		return time.Time{}, errors.New("it has expired; read the file anew for each event")
	}
	return expires, nil
}
