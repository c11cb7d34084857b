package outward

import (
	"net/netip"
	"testing"
)

func TestAllowed(t *testing.T) {
	for ip, want := range map[string]bool{
		"10.0.0.7": true, "192.168.1.1": true, "203.0.113.9": true, "fd12::1": true, "2001:db8::1": true,
		"127.0.0.1": false, "127.8.8.8": false, "::1": false, "0.0.0.0": false, "::": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "100.100.100.200": false, "224.0.0.1": false,
	} {
		if got := Allowed(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %v, want %v", ip, got, want)
		}
	}
}

func TestControl(t *testing.T) {
	control := Control(Allowed, "a gate")
	for address, want := range map[string]string{
		"10.0.0.7:80":           "",
		"[::ffff:127.0.0.1]:80": "127.0.0.1 is no address for a gate",
		"[fe80::1%eth0]:80":     "fe80::1%eth0 is no address for a gate",
	} {
		got := ""
		if err := control("tcp", address, nil); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
