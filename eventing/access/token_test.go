package access

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

const ordersURL = "http://headway-events.headway-system/shop/orders"

// token is one with these claims, which nobody has signed.
func token(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestCheckToken(t *testing.T) {
	for name, tc := range map[string]struct {
		token string
		want  time.Time
		err   string
	}{
		"one audience":         {token(`{"aud":"` + ordersURL + `","exp":1777896060}`), noon.Add(time.Minute), ""},
		"several":              {token(`{"aud":["x","` + ordersURL + `"],"exp":1777896060,"sub":7}`), noon.Add(time.Minute), ""},
		"never":                {token(`{"aud":"` + ordersURL + `","exp":1e300}`), time.Unix(1<<40, 0), ""},
		"another audience":     {token(`{"aud":["https://kubernetes.default.svc"],"exp":1777896060}`), time.Time{}, "it is made for another audience"},
		"a part of the URL":    {token(`{"aud":"` + ordersURL[:len(ordersURL)-1] + `","exp":1777896060}`), time.Time{}, "it is made for another audience"},
		"no audience":          {token(`{"exp":1777896060}`), time.Time{}, "it is made for another audience"},
		"just over":            {token(`{"aud":"` + ordersURL + `","exp":1777896000}`), time.Time{}, "it has expired; read the file anew for each event"},
		"before 1970":          {token(`{"aud":"` + ordersURL + `","exp":-1e300}`), time.Time{}, "it has expired; read the file anew for each event"},
		"without an end":       {token(`{"aud":"` + ordersURL + `"}`), time.Time{}, "it has expired; read the file anew for each event"},
		"audience of a number": {token(`{"aud":7,"exp":1777896060}`), time.Time{}, "it is no JSON Web Token"},
		"an end in words":      {token(`{"aud":"` + ordersURL + `","exp":"soon"}`), time.Time{}, "it is no JSON Web Token"},
		"no object":            {token(`[]`), time.Time{}, "it is no JSON Web Token"},
		"empty":                {"", time.Time{}, "it is no JSON Web Token"},
		"opaque":               {"s3cret", time.Time{}, "it is no JSON Web Token"},
		"not signed":           {strings.TrimSuffix(token(`{}`), "c2ln"), time.Time{}, "it is no JSON Web Token"},
		"four parts":           {token(`{}`) + ".x", time.Time{}, "it is no JSON Web Token"},
		"not base64":           {"e30.{}.c2ln", time.Time{}, "it is no JSON Web Token"},
		"long":                 {token(`{"aud":"` + ordersURL + `","exp":1777896060,"x":"` + strings.Repeat("x", maxToken) + `"}`), time.Time{}, "it has more than 8192 bytes"},
	} {
		got, err := checkToken(tc.token, ordersURL, noon)
		if !got.Equal(tc.want) || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s: %v, %v; want %v, %s", name, got, err, tc.want, tc.err)
		}
	}
}

func TestBearer(t *testing.T) {
	for name, tc := range map[string]struct {
		header http.Header
		token  string
		shown  bool
	}{
		"none":               {http.Header{}, "", false},
		"Bearer":             {http.Header{"Authorization": {"Bearer a.b.c"}}, "a.b.c", true},
		"small letters":      {http.Header{"Authorization": {"bearer  a.b.c "}}, "a.b.c", true},
		"empty":              {http.Header{"Authorization": {"Bearer "}}, "", true},
		"another scheme":     {http.Header{"Authorization": {"Basic YTpi"}}, "", false},
		"by the API server":  {http.Header{"Headway-Authorization": {"Bearer a.b.c"}}, "a.b.c", true},
		"both":               {http.Header{"Authorization": {"Bearer a"}, "Headway-Authorization": {"Bearer b"}}, "a", true},
		"the other's scheme": {http.Header{"Authorization": {"Basic YTpi"}, "Headway-Authorization": {"Bearer b"}}, "b", true},
	} {
		if got, shown := bearer(tc.header); got != tc.token || shown != tc.shown {
			t.Errorf("%s: %q, %v", name, got, shown)
		}
	}
}

// FuzzToken: what anybody can send breaks nothing, and passes only with the right
// audience in it and an end to come.
func FuzzToken(f *testing.F) {
	f.Add(token(`{"aud":"` + ordersURL + `","exp":1777896060}`))
	f.Add(token(`{"aud":[[[[{}]]]],"exp":1e999}`))
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		expires, err := checkToken(text, ordersURL, noon)
		if err != nil {
			return
		}
		if len(text) > maxToken || !expires.After(noon) {
			t.Fatalf("%q passes, until %s", text, expires)
		}
	})
}
