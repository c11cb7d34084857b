package table

import (
	"crypto/rand"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// StickyCookie is the activator's own, by which it tells users apart.
const StickyCookie = "headway-sticky"

// stickyYear is how many seconds a browser keeps it.
const stickyYear = "31536000"

// userKey is what tells a request's user from others; empty if nothing does,
// and then the request is split like any other. cookie is the Set-Cookie field
// that a user without the activator's own cookie gets.
func userKey(s *v1alpha1.Sticky, r Request) (key, cookie string) {
	switch {
	case s == nil:
		return "", ""
	case s.Header != "":
		key, _ = r.Header(s.Header)
		return key, ""
	case s.Cookie != "":
		key, _ = r.Cookie(s.Cookie)
		return key, ""
	}
	key, given := r.Cookie(StickyCookie)
	if given {
		return key, ""
	}
	key = rand.Text()
	return key, stickyCookie(key, r)
}

// stickyCookie says nothing of where its user is sent: that follows from the
// weights of the moment, so that 0% holds at once.
func stickyCookie(key string, r Request) string {
	cookie := StickyCookie + "=" + key + "; Path=/; Max-Age=" + stickyYear + "; HttpOnly; SameSite=Lax"
	proto, _ := r.Header("X-Forwarded-Proto")
	if first, _, _ := strings.Cut(proto, ","); strings.EqualFold(strings.TrimSpace(first), "https") {
		cookie += "; Secure"
	}
	return cookie
}

// hash is FNV-1a in 64 bits. The same text gives the same number in every
// activator, which maphash would not.
type hash uint64

const (
	hashOffset hash = 14695981039346656037
	hashPrime  hash = 1099511628211
)

// text adds a text and its end.
func (h hash) text(s string) hash {
	for i := range len(s) {
		h = (h ^ hash(s[i])) * hashPrime
	}
	return h * hashPrime // as by a zero byte
}

// bucket is one of 10,000. FNV's high bits hardly differ for texts that differ
// at the end: they are spread first (finalizer of MurmurHash3).
func (h hash) bucket() uint32 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return uint32(h % v1alpha1.Whole)
}
