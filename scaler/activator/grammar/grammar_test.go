package grammar

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestCheckHost(t *testing.T) {
	for host, want := range map[string]bool{
		"a": true, "shop.example.com": true, "SHOP.": true, "a:80": true, "a:": true, "127.0.0.1:8080": true, "[::1]": true, "[::1]:80": true,
		"a_b": true, "a'b$c;d": true,
		"": false, ":80": false, "a:abc": false, "a:80:80": false, "a@b": false, "a/b": false, "a?b": false, "a#b": false, "a b": false,
		"[::1": false, "[]": false, "[::1]x": false, "::1": false, "a[b]": false, "a]": false, "a:80x": false, "a\\b": false, "ä": false, "a%41": false,
		"[fe80::1%eth0]": false, "[127.0.0.1]": false, "[x]": false,
	} {
		if got := CheckHost(host); got != want || CheckHost([]byte(host)) != got {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

func TestCheckTarget(t *testing.T) {
	for _, c := range []struct {
		method, target string
		want           *Refusal
	}{
		{"GET", "/", nil}, {"GET", "//a//b", nil}, {"GET", "/a%2Fb?%zz#"[:10], nil}, {"GET", "/ä\xff?ä", nil}, {"GET", `/"<>\^` + "`{|}[]", nil},
		{"GET", "/?a=/b?c", nil}, {"GET", "http://a", nil}, {"GET", "HTTPS://a:80?b", nil}, {"OPTIONS", "*", nil}, {"OPTIONS", "http://a", nil},
		{"GET", "", Target}, {"GET", "*", Target}, {"OPTIONS", "*x", Target}, {"GET", "a", Target}, {"GET", "/#", Target}, {"GET", "/?#", Target},
		{"GET", "/%", Target}, {"GET", "/%4", Target}, {"GET", "/%4?f", Target}, {"GET", "/%g0", Target}, {"GET", "/ ", Target}, {"GET", "/\x7f", Target},
		{"GET", "/\x00", Target}, {"GET", "http:///a", Target}, {"GET", "http://a:b/", Target}, {"GET", "http://a@b/", Target}, {"GET", "http://a/%", Target},
		{"GET", "ftp://a/", Target}, {"GET", "http:/a", Target}, {"GET", "a:80", Target}, {"CONNECT", "a:80", Tunnel}, {"CONNECT", "/x", Tunnel}, {"CONNECT", "", Tunnel},
	} {
		if got := CheckTarget(c.method, c.target); got != c.want {
			t.Errorf("%s %q: %v, want %v", c.method, c.target, got, c.want)
		}
	}
}

// FuzzTarget: net/http, which serves what the hot path does not, understands
// every target that is let through.
func FuzzTarget(f *testing.F) {
	for _, seed := range []string{"/", "/a%2f?%zz", "//a", "*", "http://a:80/x", "http://[::1]/", "https://a?b/", "/\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if CheckTarget(http.MethodOptions, target) != nil {
			return
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(target, "/") && u.Host != "" {
			t.Fatalf("%q has the host %q", target, u.Host)
		}
	})
}
