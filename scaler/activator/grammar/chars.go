package grammar

import "bytes"

// Classes of characters, RFC 9110.
const (
	TokenChar  = 1 << iota // 5.6.2
	ValueChar              // 5.5: visible, space, tab, and bytes above 127
	nameChar               // of a host that is a name: unreserved, sub-delims
	targetChar             // what is visible but "#", and bytes above 127
)

var class = func() (t [256]uint8) {
	for i := range 256 {
		c := byte(i)
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		in := func(set string) bool { return alnum || bytes.IndexByte([]byte(set), c) >= 0 }
		if in("!#$%&'*+-.^_`|~") {
			t[i] |= TokenChar
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[i] |= ValueChar
		}
		if in("-._~!$&'()*+,;=") {
			t[i] |= nameChar
		}
		if c > ' ' && c != 0x7f && c != '#' {
			t[i] |= targetChar
		}
	}
	return t
}()

// All tells whether every byte of b is of the class.
func All[T ~[]byte | ~string](b T, of uint8) bool {
	for i := range len(b) {
		if class[b[i]]&of == 0 {
			return false
		}
	}
	return true
}

// EqualFold compares b with lower, which is in lower case, in ASCII.
func EqualFold[T ~[]byte | ~string](b T, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range len(b) {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
