// Package signature checks what forges and others prove with that they know a
// secret. How long a check takes says nothing about the secret.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Hex reports whether a value, with or without sha256= before it, is the
// HMAC-SHA256 of a body in hexadecimal digits.
func Hex(value string, body, key []byte) bool {
	given, err := hex.DecodeString(strings.TrimPrefix(value, "sha256="))
	if err != nil || len(given) != sha256.Size || len(key) == 0 {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// Same reports whether a value is the secret itself.
func Same(value string, secret []byte) bool {
	// Hashed first, so that the time tells nothing of the length either.
	a, b := sha256.Sum256([]byte(value)), sha256.Sum256(secret)
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && len(secret) > 0
}

// StandardHeader has the signatures of Standard.
const StandardHeader = "Webhook-Signature"

// maxAge is how far the time of a signature may be from now.
const maxAge = 5 * time.Minute

// Standard checks the signatures of Standard Webhooks
// (https://www.standardwebhooks.com), which GitLab's signing tokens make: of the
// delivery's id, its time and the body, with the bytes that the token has in base64
// behind whsec_. There may be several, separated by spaces; one has to be right.
func Standard(header http.Header, body, token []byte, now time.Time) bool {
	id, at := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	encoded, ok := strings.CutPrefix(string(token), "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) == 0 || id == "" {
		return false
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	want := mac.Sum(nil)
	for value := range strings.FieldsSeq(header.Get(StandardHeader)) {
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "v1,"))
		if err == nil && strings.HasPrefix(value, "v1,") && hmac.Equal(given, want) {
			return true
		}
	}
	return false
}
