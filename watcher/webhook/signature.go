package webhook

import (
	"net/http"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/signature"
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
	return header.Get(signature.StandardHeader) != "" || header.Get("X-Gitlab-Token") != "" || bearer(header) != ""
}

// signed reports whether a request proves knowledge of the token: an
// HMAC-SHA256 of the body (GitHub, Gitea, Forgejo, Gogs, Bitbucket Server), or of
// more than the body (GitLab), or the token itself (GitLab, or a bearer token from a
// script).
func signed(header http.Header, body, token []byte, now time.Time) bool {
	if signature.Standard(header, body, token, now) {
		return true
	}
	for _, name := range signatureHeaders {
		if signature.Hex(header.Get(name), body, token) {
			return true
		}
	}
	return signature.Same(header.Get("X-Gitlab-Token"), token) || signature.Same(bearer(header), token)
}

func bearer(header http.Header) string {
	token, ok := strings.CutPrefix(header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}
