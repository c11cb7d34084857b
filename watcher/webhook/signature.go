package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
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
	return header.Get("X-Gitlab-Token") != "" || bearer(header) != ""
}

// signed reports whether a request proves knowledge of the token: an
// HMAC-SHA256 of the body (GitHub, Gitea, Forgejo, Gogs, Bitbucket Server) or
// the token itself (GitLab, or a bearer token from a script).
func signed(header http.Header, body, token []byte) bool {
	if len(token) == 0 {
		return false
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

func bearer(header http.Header) string {
	token, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}
