package address

import (
	"regexp"
	"strings"
	"testing"
)

func TestBranch(t *testing.T) {
	for _, tc := range []struct{ ref, plain, own string }{
		{"refs/heads/beta", "shop-beta", "shop-beta-f08561"},
		{"refs/heads/feature/Login_Form", "shop-feature-login-form", "shop-feature-login-form-"},
		{"refs/heads/feature-login-form", "shop-feature-login-form", "shop-feature-login-form-"},
		{"refs/tags/v1.2.0", "shop-v1-2-0", "shop-v1-2-0-"},
		{"refs/heads/--x--", "shop-x", "shop-x-"},
		{"refs/heads/1a2b3c4d", "", "shop-1a2b3c4d-"}, // would be a revision's
		{"refs/heads/1a2b3c4", "shop-1a2b3c4", "shop-1a2b3c4-"},
		{"refs/heads/функция", "", "shop-"},
		{"refs/heads/" + strings.Repeat("long/", 20), "", "shop-" + strings.Repeat("long-", 10) + "l-"},
		{"refs/heads/" + strings.Repeat("long/", 20) + "2", "", "shop-" + strings.Repeat("long-", 10) + "l-"},
	} {
		plain, own := Branch("shop", tc.ref)
		if plain != tc.plain || !strings.HasPrefix(own, tc.own) {
			t.Errorf("%s: %q and %q, want %q and %q…", tc.ref, plain, own, tc.plain, tc.own)
		}
	}
}

// TestBranchesOwnName: two refs never share it, and it fits into a host.
func TestBranchesOwnName(t *testing.T) {
	label := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	app := strings.Repeat("a", 40)
	seen := map[string]string{}
	for _, ref := range []string{
		"refs/heads/a/b", "refs/heads/a-b", "refs/heads/A-B", "refs/tags/a-b", "refs/heads/é", "refs/heads/ü",
		"refs/heads/" + strings.Repeat("x", 22), "refs/heads/" + strings.Repeat("x", 23), "refs/heads/" + strings.Repeat("x", 200), "refs/heads/" + strings.Repeat("x", 15) + "-y",
	} {
		plain, own := Branch(app, ref)
		if other, taken := seen[own]; taken {
			t.Errorf("%s and %s are both %s", ref, other, own)
		}
		seen[own] = ref
		for _, name := range []string{plain, own} {
			if name != "" && !label.MatchString(name) {
				t.Errorf("%s: %q is no label", ref, name)
			}
		}
	}
}
