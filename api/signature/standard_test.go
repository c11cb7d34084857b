package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// The vector that the libraries of Standard Webhooks are tested with.
const (
	vectorKey       = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

// signed are the headers of a request.
func signed(id string, at int64, signature string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(at, 10))
	h.Set("webhook-signature", signature)
	return h
}

func TestStandardSignature(t *testing.T) {
	key, err := StandardKey([]byte(vectorKey))
	if err != nil {
		t.Fatal(err)
	}
	other := "v1," + base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, tc := range map[string]struct {
		header http.Header
		body   string
		keys   [][]byte
		want   bool
	}{
		"the vector":                   {signed(vectorID, vectorTime, vectorSignature), vectorBody, [][]byte{key}, true},
		"one of several":               {signed(vectorID, vectorTime, "v1a,abc= "+other+" "+vectorSignature+" v2,x"), vectorBody, [][]byte{key}, true},
		"one of several keys":          {signed(vectorID, vectorTime, vectorSignature), vectorBody, [][]byte{[]byte("old"), key}, true},
		"another body":                 {signed(vectorID, vectorTime, vectorSignature), vectorBody + " ", [][]byte{key}, false},
		"another id":                   {signed(vectorID+"x", vectorTime, vectorSignature), vectorBody, [][]byte{key}, false},
		"another time":                 {signed(vectorID, vectorTime+1, vectorSignature), vectorBody, [][]byte{key}, false},
		"another key":                  {signed(vectorID, vectorTime, vectorSignature), vectorBody, [][]byte{[]byte("old")}, false},
		"no key":                       {signed(vectorID, vectorTime, vectorSignature), vectorBody, nil, false},
		"another sum":                  {signed(vectorID, vectorTime, other), vectorBody, [][]byte{key}, false},
		"behind as many as are tried":  {signed(vectorID, vectorTime, strings.Repeat(other+" ", maxSums)+vectorSignature), vectorBody, [][]byte{key}, false},
		"with one less in front of it": {signed(vectorID, vectorTime, strings.Repeat(other+" ", maxSums-1)+vectorSignature), vectorBody, [][]byte{key}, true},
	} {
		s, err := ParseStandard(tc.header)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.Verify(tc.keys, []byte(tc.body)); got != tc.want {
			t.Errorf("%s: verified = %v, want %v", name, got, tc.want)
		}
	}
}

func TestParseStandard(t *testing.T) {
	for want, header := range map[string]http.Header{
		"there is no signature": {},
		"webhook-id must":       signed("", vectorTime, vectorSignature),
		"webhook-id must have 1 to 256 bytes and no full stop": signed("a."+vectorID, vectorTime, vectorSignature),
		"webhook-id must have 1":                               signed(strings.Repeat("a", 257), vectorTime, vectorSignature),
		"webhook-timestamp must be a number":                   {"Webhook-Id": {vectorID}, "Webhook-Timestamp": {"1614265330.0"}, "Webhook-Signature": {vectorSignature}},
		"webhook-timestamp must be":                            {"Webhook-Id": {vectorID}, "Webhook-Signature": {vectorSignature}},
		"webhook-timestamp must":                               signed(vectorID, -1, vectorSignature),
		"webhook-timestamp":                                    signed(vectorID, 1e12, vectorSignature),
		"webhook-signature must":                               signed(vectorID, vectorTime, ""),
		"webhook-signature must be a list":                     signed(vectorID, vectorTime, "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
		"webhook-signature":                                    signed(vectorID, vectorTime, "v1,g0hM9SsE v1a,"+vectorSignature[3:]),
	} {
		if _, err := ParseStandard(header); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: error %v, want %s", header, err, want)
		}
	}
}

func TestStandardKey(t *testing.T) {
	for text, want := range map[string]string{
		"whsec_c2VjcmV0":        "secret",
		"whsec_c2VjcmV0\n":      "secret",
		"whsec_c2VjcmU=":        "secre",
		"whsec_c2VjcmU":         "secre",
		"c2VjcmV0":              "c2VjcmV0",
		" raw, with blanks\r\n": " raw, with blanks",
		"whsec_":                "",
		"whsec_!":               "",
		"\n":                    "",
		"":                      "",
	} {
		got, err := StandardKey([]byte(text))
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

// FuzzSignature: no headers and no body break it, and only what is signed with the
// key passes.
func FuzzStandard(f *testing.F) {
	f.Add(vectorID, "1614265330", vectorSignature, []byte(vectorBody))
	f.Add("a.b", "-1", "v1,", []byte{})
	f.Add("", "99999999999999999999", "v1 v1,= ,", []byte("\x00"))
	key, err := StandardKey([]byte(vectorKey))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id, at, list string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {list}}
		s, err := ParseStandard(h)
		if err != nil {
			return
		}
		if len(s.sums) == 0 || len(s.sums) > maxSums || strings.Contains(s.id, ".") {
			t.Fatalf("%q passes as %+v", h, s)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		text := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if s.Verify([][]byte{key}, body) && !strings.Contains(list, text) {
			t.Fatalf("%q passes, and is not signed", h)
		}
	})
}
