package proxy

import (
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"github.com/headway-dev/headway/scaler/activator/mirror"
	"github.com/headway-dev/headway/scaler/activator/peer"
)

// rewrite makes the request for the pod. Hop-by-hop headers are gone already;
// everything else, the Host and traceparent included, stays as it came.
func rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme = "http"
	p.Out.URL.Host = "pod" // the transport puts the address of the pod here
	// Bytes that net/url would normalise stay as they came.
	p.Out.URL.RawQuery = p.In.URL.RawQuery
	p.Out.URL.Opaque = oddPath(p.In)
	x := exchangeOf(p.In)
	if x.body != nil {
		p.Out.Trailer = x.body.trailer
	}

	if strings.EqualFold(p.Out.Header.Get("Upgrade"), "h2c") {
		// To pass this on would let a client talk past this proxy.
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
	}
	p.Out.Header.Del("Http2-Settings")

	if !p.In.ProtoAtLeast(1, 1) {
		// HTTP/1.0 knows neither, and who reads them must ignore them.
		p.Out.Header.Del("Upgrade")
		p.Out.Header.Del("Connection")
		p.Out.Header.Del("Expect")
	}

	p.Out.Header.Del(peer.RevisionHeader)
	p.Out.Header.Del(peer.HopsHeader)
	if !x.handler.front.Peers {
		p.Out.Header.Del(mirror.Header)
	}
	if _, ok := p.In.Header["User-Agent"]; !ok {
		p.Out.Header.Set("User-Agent", "") // or net/http would add its own
	}
	if parent, state, ok := x.Trace.Headers(); ok {
		p.Out.Header.Set("Traceparent", string(parent))
		p.Out.Header.Del("Tracestate")
		if state != "" {
			p.Out.Header.Set("Tracestate", state)
		}
	}
	if x.handler.front.Peers {
		for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto"} {
			if given := p.In.Header[name]; len(given) > 0 {
				p.Out.Header[name] = given
			}
		}
		return // the first activator has told of the client
	}
	forwardedHeaders(p)
}

// oddPath is the path as it came if net/url would write it in another way;
// empty if not. One that begins with two slashes would be taken for a host
// then: net/url escapes in it what RFC 3986 wants to be escaped.
func oddPath(in *http.Request) string {
	path, _, _ := strings.Cut(in.RequestURI, "?")
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || path == in.URL.EscapedPath() {
		return ""
	}
	return path
}

// forwardedHeaders tells the app where the request came from.
func forwardedHeaders(p *httputil.ProxyRequest) {
	// What stands in front of the activator has said where the request came
	// from first; add the hop that we have seen.
	h, in := p.Out.Header, p.In.Header
	client, _, err := net.SplitHostPort(p.In.RemoteAddr)
	if err != nil {
		client = p.In.RemoteAddr
	}
	h.Set("X-Forwarded-For", strings.Join(append(slices.Clone(in["X-Forwarded-For"]), client), ", "))
	h.Set("Forwarded", strings.Join(append(slices.Clone(in["Forwarded"]), forwarded(client, p.In.Host)), ", "))
	for name, value := range map[string]string{"X-Forwarded-Host": p.In.Host, "X-Forwarded-Proto": "http"} {
		if given := in[name]; len(given) > 0 {
			h[name] = given
		} else {
			h.Set(name, value)
		}
	}
}

// forwarded is an element of the Forwarded header, RFC 7239.
func forwarded(client, host string) string {
	if strings.Contains(client, ":") {
		client = `"[` + client + `]"`
	}
	if strings.ContainsAny(host, ":[]") {
		host = `"` + host + `"`
	}
	return "for=" + client + ";host=" + host + ";proto=http"
}
