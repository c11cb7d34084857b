package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// keys are what requests are signed with.
type keys struct{ id, secret, region string }

// unsigned is in the place of the hash of a body that is sent while it is read.
const unsigned = "UNSIGNED-PAYLOAD"

// sign signs a request to S3 without a query, as Signature Version 4 says:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func sign(r *http.Request, k keys, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	scope := stamp[:8] + "/" + k.region + "/s3/aws4_request"
	r.Header.Set("X-Amz-Date", stamp)
	if r.Header.Get("X-Amz-Content-Sha256") == "" {
		r.Header.Set("X-Amz-Content-Sha256", unsigned)
	}
	values := map[string]string{"host": r.URL.Host}
	for name, value := range r.Header {
		values[strings.ToLower(name)] = strings.TrimSpace(strings.Join(value, ","))
	}
	var names, lines []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		lines = append(lines, name+":"+values[name]+"\n")
	}
	signed := strings.Join(names, ";")
	request := strings.Join([]string{
		r.Method, escape(r.URL.Path), "", strings.Join(lines, ""), signed, r.Header.Get("X-Amz-Content-Sha256"),
	}, "\n")
	hash := sha256.Sum256([]byte(request))
	text := strings.Join([]string{"AWS4-HMAC-SHA256", stamp, scope, hex.EncodeToString(hash[:])}, "\n")
	key := []byte("AWS4" + k.secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+k.id+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(mac(key, text)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // never fails
	return h.Sum(nil)
}

// escape writes a path as S3 signs it: all but letters, digits, - . _ ~ and / in
// percent signs.
func escape(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			const digits = "0123456789ABCDEF"
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
