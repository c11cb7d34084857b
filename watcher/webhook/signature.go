package webhook

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

// signatureHeaders carry an HMAC: GitHub and most others; Bitbucket Server,
// which puts SHA-256 into the header that others use for SHA-1; Gitea and
// Forgejo; Gogs.
var signatureHeaders = []string{"X-Hub-Signature-256", "X-Hub-Signature", "X-Gitea-Signature", "X-Gogs-Signature"}

// carriesSignature reports whether a request claims to know a secret.
func carriesSignature(header http.Header) bool {
	for _, name := range signatureHeaders {
		if header.Get(name) != "" {
			return true
		}
	}
	return header.Get(standardSignature) != "" || header.Get("X-Gitlab-Token") != "" || bearer(header) != ""
}

// signed reports whether a request proves knowledge of the token: an
// HMAC-SHA256 of the body (GitHub, Gitea, Forgejo, Gogs, Bitbucket Server), or of
// more than the body (GitLab), or the token itself (GitLab, or a bearer token from a
// script).
func signed(header http.Header, body, token []byte, now time.Time) bool {
	if len(token) == 0 {
		return false
	}
	if signedAsStandard(header, body, token, now) {
		return true
	}
	for _, name := range signatureHeaders {
		value := strings.TrimPrefix(header.Get(name), "sha256=")
		given, err := hex.DecodeString(value)
		if err != nil || len(given) != sha256.Size {
			continue
		}
		mac := hmac.New(sha256.New, token)
		mac.Write(body)
		if hmac.Equal(given, mac.Sum(nil)) {
			return true
		}
	}
	for _, given := range []string{header.Get("X-Gitlab-Token"), bearer(header)} {
		if given == "" {
			continue
		}
		// Hashed first, so that the time tells nothing of the length either.
		a, b := sha256.Sum256([]byte(given)), sha256.Sum256(token)
		if subtle.ConstantTimeCompare(a[:], b[:]) == 1 {
			return true
		}
	}
	return false
}

const (
	standardSignature = "Webhook-Signature"
	// maxAge is how far the time of a signature may be from now.
	maxAge = 5 * time.Minute
)

// signedAsStandard checks the signatures of Standard Webhooks
// (https://www.standardwebhooks.com), which GitLab's signing tokens make: of the
// delivery's id, its time and the body, with the bytes that the token has in base64
// behind whsec_. There may be several, separated by spaces; one has to be right.
func signedAsStandard(header http.Header, body, token []byte, now time.Time) bool {
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
	for value := range strings.FieldsSeq(header.Get(standardSignature)) {
		given, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "v1,"))
		if err == nil && strings.HasPrefix(value, "v1,") && hmac.Equal(given, want) {
			return true
		}
	}
	return false
}

func bearer(header http.Header) string {
	token, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}
