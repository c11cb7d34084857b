package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Standard Webhooks, https://github.com/standard-webhooks/standard-webhooks, in
// its symmetric form: HMAC-SHA256 of "<webhook-id>.<webhook-timestamp>.<body>".
const (
	// StandardHeader has the signatures.
	StandardHeader = "Webhook-Signature"

	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"

	// MaxAge is how far the timestamp may be from now, either way.
	MaxAge = 5 * time.Minute
	// maxSums is how many signatures of a request are looked at: a sender that
	// changes its key sends one of each.
	maxSums = 16
	// maxID is the length of an id in bytes.
	maxID = 256
	// secretPrefix marks a key that is written in base64.
	secretPrefix = "whsec_"
)

// ErrNone is that of a request that is not signed.
var ErrNone = errors.New("there is no signature")

// Signed is what the headers of a request say.
type Signed struct {
	// At is when it was signed; who asks decides whether that is too long ago.
	At time.Time

	id, timestamp string
	sums          [][sha256.Size]byte
}

// ParseStandard reads the headers; the error is ErrNone, or says what is wrong.
// Signatures in other forms than v1 are passed over, as senders may send several.
func ParseStandard(h http.Header) (s Signed, err error) {
	s.id, s.timestamp = h.Get(headerID), h.Get(headerTimestamp)
	list := h.Get(StandardHeader)
	if s.id == "" && s.timestamp == "" && list == "" {
		return s, ErrNone
	}
	switch {
	case s.id == "" || len(s.id) > maxID || strings.Contains(s.id, "."):
		// With a full stop a part of the body could pass for one of the id.
		return s, fmt.Errorf("webhook-id must have 1 to %d bytes and no full stop", maxID)
	case len(s.timestamp) > 12 || strings.Trim(s.timestamp, "0123456789") != "":
		return s, errors.New("webhook-timestamp must be a number of seconds since 1970")
	}
	seconds, err := strconv.ParseInt(s.timestamp, 10, 64)
	if err != nil {
		return s, errors.New("webhook-timestamp must be a number of seconds since 1970")
	}
	s.At = time.Unix(seconds, 0)
	for one := range strings.FieldsSeq(list) {
		version, text, _ := strings.Cut(one, ",")
		sum, err := base64.StdEncoding.DecodeString(text)
		if version == "v1" && err == nil && len(sum) == sha256.Size && len(s.sums) < maxSums {
			s.sums = append(s.sums, [sha256.Size]byte(sum))
		}
	}
	if len(s.sums) == 0 {
		return s, errors.New("webhook-signature must be a list of v1,<HMAC-SHA256 in base64>, separated by spaces")
	}
	return s, nil
}

// Verify reports whether one of the signatures is that of the body by one of the
// keys.
func (s *Signed) Verify(keys [][]byte, body []byte) bool {
	found := false
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(s.id + "." + s.timestamp + "."))
		mac.Write(body)
		wanted := mac.Sum(nil)
		for i := range s.sums {
			found = hmac.Equal(s.sums[i][:], wanted) || found
		}
	}
	return found
}

// StandardKey reads a key as people write it: whsec_ and base64, or the text itself.
// The end of a line at its end is not a part of it.
func StandardKey(text []byte) ([]byte, error) {
	key := strings.TrimRight(string(text), "\r\n")
	if encoded, ok := strings.CutPrefix(key, secretPrefix); ok {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			decoded, err = base64.RawStdEncoding.DecodeString(encoded)
		}
		if err != nil {
			return nil, errors.New("what follows whsec_ is not base64")
		}
		key = string(decoded)
	}
	if key == "" {
		return nil, errors.New("it is empty")
	}
	return []byte(key), nil
}

// Standard reports whether a body was signed with a key that is written with
// whsec_, as GitLab's signing tokens are, within MaxAge of now.
func Standard(header http.Header, body, token []byte, now time.Time) bool {
	s, err := ParseStandard(header)
	if err != nil || now.Sub(s.At).Abs() > MaxAge || !strings.HasPrefix(string(token), secretPrefix) {
		return false
	}
	key, err := StandardKey(token)
	return err == nil && s.Verify([][]byte{key}, body)
}
