package table

import "strings"

// Normalize brings a Host header into the form that Routes use: lower case,
// without port and without a dot at the end. It allocates only if there are
// upper case letters.
func Normalize(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	for i := range len(host) {
		if c := host[i]; 'A' <= c && c <= 'Z' {
			return strings.ToLower(host)
		}
	}
	return host
}
