package grammar

// CheckTarget returns why a request must not go on because of its method and
// target; nil if it may. It knows three forms, RFC 9112 section 3.2:
//
//	/path?query          as it is, escapes and bytes above 127 included
//	*                    of OPTIONS only: the server as a whole
//	http://host/path     of a client that takes the activator for its proxy
//
// "#" is refused: one reader ends the path there, the next one does not. So is
// "%" in a path that escapes nothing, which net/http cannot pass on. In a query
// it is no rare sight, and means nothing to anybody on the way.
func CheckTarget[T ~[]byte | ~string](method, target T) *Refusal {
	switch {
	case string(method) == "CONNECT":
		return Tunnel
	case len(target) == 0 || !All(target, targetChar):
		return Target
	case target[0] == '/':
		return checkPath(target)
	case string(target) == "*":
		if string(method) == "OPTIONS" {
			return nil
		}
		return Target
	}
	authority, path := cutAbsolute(target)
	if !CheckHost(authority) {
		return Target
	}
	return checkPath(path)
}

func checkPath[T ~[]byte | ~string](path T) *Refusal {
	for i := range len(path) {
		switch path[i] {
		case '?':
			return nil
		case '%':
			if i+2 >= len(path) || !isHex(path[i+1]) || !isHex(path[i+2]) {
				return Target
			}
		}
	}
	return nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// cutAbsolute splits a target in absolute form; authority is empty if it is in
// another.
func cutAbsolute[T ~[]byte | ~string](target T) (authority, path T) {
	for _, scheme := range []string{"http://", "https://"} {
		if len(target) < len(scheme) || !EqualFold(target[:len(scheme)], scheme) {
			continue
		}
		rest := target[len(scheme):]
		for i := range len(rest) {
			if rest[i] == '/' || rest[i] == '?' {
				return rest[:i], rest[i:]
			}
		}
		return rest, rest[len(rest):]
	}
	return target[:0], target[:0]
}
