package grammar

import (
	"bytes"
	"net/netip"
)

// CheckHost tells whether host is a host with or without a port: a name, or an
// address, of version 6 in brackets (RFC 9110 section 7.2). A user before it, a
// path behind it and a port that is no number are none of it, nor are escapes,
// which no name has.
func CheckHost[T ~[]byte | ~string](host T) bool {
	if len(host) == 0 {
		return false
	}
	end := 0
	if host[0] == '[' {
		end = bytes.IndexByte([]byte(host), ']') + 1
		if end == 0 || !isIPv6(string(host[1:end-1])) {
			return false
		}
	} else {
		for end < len(host) && class[host[end]]&nameChar != 0 {
			end++
		}
	}
	switch {
	case end == len(host):
		return true
	case end == 0 || host[end] != ':':
		return false
	}
	for i := range len(host) - end - 1 {
		if c := host[end+1+i]; c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func isIPv6(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}
