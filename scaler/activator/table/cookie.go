package table

// Cookie finds the first cookie with a name in the value of a Cookie field, as
// RFC 6265 section 4.2 writes it. One pair of quotes around its value is left
// out. What is malformed is passed over.
func Cookie[T ~string | ~[]byte](field T, name string) (value T, ok bool) {
	for len(field) > 0 {
		pair := field
		if end := index(field, ';'); end >= 0 {
			pair, field = field[:end], field[end+1:]
		} else {
			field = field[len(field):]
		}
		pair = trim(pair)
		if equals := index(pair, '='); equals >= 0 && same(trim(pair[:equals]), name) {
			return unquote(trim(pair[equals+1:])), true
		}
	}
	return value, false
}

// SetsSticky reports whether a Set-Cookie field of an app sets the cookie that
// the activator would set.
func SetsSticky(field string) bool {
	equals := index(field, '=')
	return equals >= 0 && same(trim(field[:equals]), StickyCookie)
}

func index[T ~string | ~[]byte](s T, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// same compares without making a string.
func same[T ~string | ~[]byte](s T, with string) bool {
	if len(s) != len(with) {
		return false
	}
	for i := range len(with) {
		if s[i] != with[i] {
			return false
		}
	}
	return true
}

func trim[T ~string | ~[]byte](s T) T {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

func unquote[T ~string | ~[]byte](s T) T {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
