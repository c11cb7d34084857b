package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// scope says what is left alone after a refusal.
type scope int

const (
	// nothing: the forge has answered; it is this request that is wrong.
	nothing scope = iota
	// ofKind: requests that need the same right.
	ofKind
	// ofServer: all requests of this repository.
	ofServer
	// ofAccount: all requests with the same credentials.
	ofAccount
)

// refusal is a failure and what follows from it.
type refusal struct {
	failure *forge.Error
	scope   scope
	// wish is how long the forge asks to be left alone; 0: it does not say.
	wish time.Duration
}

// explain says what an answer that is no success means.
func (c *Client) explain(call Call, res *http.Response) refusal {
	status, host := res.StatusCode, c.base.Host
	said := c.said(res)
	wish, limited := limits(res, said, time.Now())
	fail := func(s scope, reason, format string, args ...any) refusal {
		e := forge.Errorf(reason, format, args...)
		e.Status = status
		return refusal{e, s, wish}
	}
	switch {
	case status == http.StatusUnauthorized:
		return fail(ofAccount, v1alpha1.ReasonAuthenticationFailed, "%s refused the credentials for its API; put a token that counts into the Secret that spec.forge.secretRef names, or else spec.secretRef", host)
	case limited:
		return fail(ofAccount, v1alpha1.ReasonRateLimited, "%s takes no more requests for now; it is asked again when it allows that. Let it send webhooks and make spec.interval longer, or use credentials of Headway's own", host)
	case status == http.StatusForbidden:
		return fail(ofKind, v1alpha1.ReasonRightMissing, "%s does not let the credentials %s; give them the right %q%s", host, call.Right.For, call.Right.Name, quote(said))
	case call.Repository && (status == http.StatusNotFound || status == http.StatusGone || status == http.StatusUnavailableForLegalReasons):
		return fail(ofKind, v1alpha1.ReasonRepositoryNotFound, "the API of %s has no repository %s, or the credentials may not see it; check spec.url, spec.forge and the Secret", host, c.repository)
	case status >= 500:
		return fail(ofKind, v1alpha1.ReasonUnreachable, "the API of %s answered %d; it is tried again by itself", host, status)
	case status >= 300 && status < 400:
		return fail(ofServer, v1alpha1.ReasonUnreachable, "the API of %s sends requests on to another place, which Headway does not follow; correct spec.url or spec.forge.apiURL", host)
	}
	return fail(nothing, v1alpha1.ReasonRefused, "%s refused a request to %s with status %d%s", host, call.Right.For, status, quote(said))
}

// limits reports whether an answer says that too much was asked, and how long to
// wait. The headers are GitHub's, which others have taken over; GitLab's are
// without X-. GitHub's secondary limits may come without any
// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
func limits(res *http.Response, said string, now time.Time) (wish time.Duration, limited bool) {
	if res.StatusCode != http.StatusForbidden && res.StatusCode < 429 {
		return 0, false
	}
	h := res.Header
	used := h.Get("X-Ratelimit-Remaining") == "0" || h.Get("Ratelimit-Remaining") == "0"
	limited = res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusForbidden && (used || h.Get("Retry-After") != "" || strings.Contains(strings.ToLower(said), "rate limit"))
	if after := h.Get("Retry-After"); after != "" {
		if seconds, err := strconv.Atoi(after); err == nil {
			return time.Duration(min(max(seconds, 1), int(maxWish/time.Second))) * time.Second, limited
		}
		if at, err := http.ParseTime(after); err == nil {
			return max(at.Sub(now), time.Second), limited
		}
	}
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		if at, err := strconv.ParseInt(h.Get(name), 10, 64); err == nil && limited && used {
			return max(time.Unix(at, 0).Sub(now), time.Second), limited
		}
	}
	return 0, limited
}

// said is what the forge says about a refusal; empty where that cannot be read.
func (c *Client) said(res *http.Response) string {
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	var answer struct {
		Message any `json:"message"`
		Error   any `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	for _, m := range []any{answer.Message, answer.Error} {
		text, ok := m.(string)
		if !ok && m != nil {
			text = fmt.Sprint(m) // GitLab: a list of problems by field
		}
		if text = forge.Line(c.scrub(text), 200); text != "" {
			return text
		}
	}
	return ""
}

// quote is what the forge says at the end of a message.
func quote(said string) string {
	if said == "" {
		return ""
	}
	return ": it said " + strconv.Quote(said)
}

// scrub takes the credentials out of a text.
func (c *Client) scrub(text string) string {
	for _, secret := range c.auth.Secrets() {
		if len(secret) > 3 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// unreadable is an answer that is not in the API's form.
func (c *Client) unreadable(what string) refusal {
	return refusal{failure: forge.Errorf(v1alpha1.ReasonUnreachable, "%s answered %s; check spec.forge.type and spec.forge.apiURL (%s)", c.base.Host, what, c.base), scope: ofKind}
}

// Unreachable says why the server at host gave no answer.
func Unreachable(host string, err error) *forge.Error {
	var dns *net.DNSError
	var message string
	switch {
	case errors.As(err, &dns):
		message = fmt.Sprintf("the name %s cannot be resolved in the cluster; check spec.url, spec.forge.apiURL and the cluster's DNS", dns.Name)
	case isTimeout(err):
		message = fmt.Sprintf("the API of %s did not answer within %s; check that it is up and that this cluster may reach it", host, Timeout)
	case errors.As(err, new(x509.UnknownAuthorityError)), errors.As(err, new(x509.HostnameError)), errors.As(err, new(x509.CertificateInvalidError)):
		message = fmt.Sprintf("the TLS certificate of %s is not trusted; put the certificate of its authority into the key ca.crt of the Secret with the forge's credentials", host)
	case errors.As(err, new(tls.RecordHeaderError)):
		message = fmt.Sprintf("%s does not speak TLS on this port; check the scheme and port of spec.url, or set spec.forge.apiURL", host)
	default:
		message = fmt.Sprintf("the API of %s cannot be reached; check spec.url and spec.forge.apiURL, and that the host is up and this cluster may reach it", host)
	}
	return &forge.Error{Reason: v1alpha1.ReasonUnreachable, Message: message}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// Checked makes requests that were read fit for readers.
func (c *Client) Checked(told []forge.Request) ([]forge.Request, error) {
	requests, err := forge.Requests(told)
	if err != nil {
		return nil, c.unreadable("in a form that its API does not have: " + err.Error()).failure
	}
	return requests, nil
}
