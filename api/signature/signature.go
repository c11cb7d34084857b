// Package signature checks what forges and others prove with that they know a
// secret. How long a check takes says nothing about the secret.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
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
