package layout

import (
	"net/netip"
	"path/filepath"
	"testing"
)

func TestNewFindsRoot(t *testing.T) {
	for _, test := range []struct {
		name, headway, xdg, home, want string
	}{
		{"own variable wins", "/a", "/b", "/c", "/a"},
		{"cache home", "", "/b", "/c", "/b/headway"},
		{"home", "", "", "/c", "/c/.cache/headway"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HEADWAY_CACHE", test.headway)
			t.Setenv("XDG_CACHE_HOME", test.xdg)
			t.Setenv("HOME", test.home)
			got, err := New()
			if err != nil || got.Root != test.want {
				t.Errorf("root = %q, %v, want %q", got.Root, err, test.want)
			}
		})
	}
	t.Setenv("HEADWAY_CACHE", "relative")
	if got, err := New(); err != nil || !filepath.IsAbs(got.Root) {
		t.Errorf("root = %q, %v, want an absolute path", got.Root, err)
	}
}

func TestAddressesFitTogether(t *testing.T) {
	cluster, pods, services := netip.MustParsePrefix(ClusterCIDR), netip.MustParsePrefix(PodCIDR), netip.MustParsePrefix(ServiceCIDR)
	if pods.Overlaps(services) || !cluster.Overlaps(pods) || !cluster.Overlaps(services) {
		t.Errorf("pods %s and services %s must be apart and inside %s", pods, services, cluster)
	}
	for name, want := range map[string]struct {
		address string
		within  netip.Prefix
	}{
		"dns": {DNSIP, services}, "api": {APIServiceIP, services}, "node": {NodeIP, cluster},
	} {
		if !want.within.Contains(netip.MustParseAddr(want.address)) {
			t.Errorf("%s address %s is outside of %s", name, want.address, want.within)
		}
	}
	if pods.Contains(netip.MustParseAddr(NodeIP)) {
		t.Errorf("the node address %s is in the pod range", NodeIP)
	}
}
