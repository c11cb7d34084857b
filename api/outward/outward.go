// Package outward says to which addresses Headway connects when they come from
// git: whoever may push must not reach through Headway what only Headway's own
// machine reaches.
package outward

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// credentials are addresses, beside those of the link, at which clouds hand out
// credentials: those of AWS over IPv6, and of Alibaba.
var credentials = []netip.Addr{netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("100.100.100.200")}

// Allowed reports whether an address may be connected to: it is not of this
// machine, and nobody there hands out credentials.
func Allowed(ip netip.Addr) bool {
	return ip.IsValid() && !ip.IsUnspecified() && !ip.IsLoopback() && !ip.IsMulticast() && !ip.IsLinkLocalUnicast() && ip.Zone() == "" &&
		!slices.Contains(credentials, ip)
}

// Control is the Control of a net.Dialer that connects to allowed addresses only.
// They are judged after names are resolved, so that no name leads elsewhere. use
// is what the address was to be for, in the error.
func Control(allowed func(netip.Addr) bool, use string) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if ip := to.Addr().Unmap(); !allowed(ip) {
			return fmt.Errorf("%s is no address for %s", ip, use)
		}
		return nil
	}
}
