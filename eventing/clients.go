package eventing

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/certificate"
)

const (
	// clientHeader has what another replica vouches for: the names of the client
	// certificate that it has seen.
	clientHeader = "Headway-Client-Certificate"
	// vouchedFor is how long that counts.
	vouchedFor = time.Minute
)

// errNoVouching is why a request with a client certificate is not passed on.
var errNoVouching = errors.New("nothing is shared with the leader by which it could trust this process")

// clients knows the names of those who send from outside: by the connection, or by
// the word of another replica that has passed the request on.
type clients struct {
	// key is what the replicas have in common; "": there are none.
	key string
	now func() time.Time
}

// identify has the names of the sender in the context of each request.
func (c *clients) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var names []string
		if r.TLS != nil {
			names = certificate.Names(r.TLS, c.now())
		} else {
			names = c.vouched(r.Header.Get(clientHeader))
		}
		r.Header.Del(clientHeader)
		next.ServeHTTP(w, r.WithContext(access.WithNames(r.Context(), names)))
	})
}

// word is what one replica tells another one of a sender.
type word struct {
	Names []string `json:"names"`
	// Until is when it ends, in seconds since 1970.
	Until int64 `json:"until"`
}

// vouch writes the names of the context of a request into the header of the one
// that is passed on.
func (c *clients) vouch(ctx context.Context, out http.Header) error {
	names := access.Names(ctx)
	if len(names) == 0 {
		return nil
	}
	if c.key == "" {
		return errNoVouching
	}
	payload, err := json.Marshal(word{names, c.now().Add(vouchedFor).Unix()})
	if err != nil {
		return fmt.Errorf("encoding the names of a client certificate: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	out.Set(clientHeader, encode(payload)+"."+encode(c.sum(payload)))
	return nil
}

// vouched are the names in a header that another replica has written; none if it
// was somebody else, or too long ago.
func (c *clients) vouched(text string) []string {
	first, second, ok := strings.Cut(text, ".")
	if !ok || c.key == "" {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil
	}
	sum, err := base64.RawURLEncoding.DecodeString(second)
	if err != nil || !hmac.Equal(sum, c.sum(payload)) {
		return nil
	}
	var said word
	if json.Unmarshal(payload, &said) != nil || c.now().Unix() > said.Until {
		return nil
	}
	return said.Names
}

func (c *clients) sum(payload []byte) []byte {
	mac := hmac.New(sha256.New, []byte(c.key))
	mac.Write([]byte("client certificate\n"))
	mac.Write(payload)
	return mac.Sum(nil)
}
