package park

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// newKeys makes a pair for a test.
func newKeys(t testing.TB) KeyPair {
	t.Helper()
	pair, err := NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func TestKeyPair(t *testing.T) {
	pair, other := newKeys(t), newKeys(t)
	for _, tc := range []struct {
		name string
		pair KeyPair
		want string // part of the error
	}{
		{"right", pair, ""},
		{"white space around", KeyPair{pair.Private + "\n", " " + pair.Public}, ""},
		{"of two pairs", KeyPair{pair.Private, other.Public}, "does not belong"},
		{"nothing", KeyPair{}, "private key is not"},
		{"no base64", KeyPair{"*", pair.Public}, "private key is not"},
		{"short", KeyPair{pair.Private, "YWJj"}, "public key is not"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.pair.Check()
			if got := errorText(err); !strings.Contains(got, tc.want) || (err == nil) != (tc.want == "") {
				t.Errorf("error %q, want %q", got, tc.want)
			}
			if err != nil && tc.pair.Private != "" && strings.Contains(err.Error(), tc.pair.Private) {
				t.Errorf("the error shows the key: %s", err)
			}
		})
	}
}

func TestLoadWaker(t *testing.T) {
	dir := t.TempDir()
	if _, err := LoadWaker(dir); err == nil {
		t.Error("no error without a key")
	}
	for content, ok := range map[string]bool{"": false, "abc": false, newKeys(t).Private: true, newKeys(t).Private + "\n": true} {
		if err := os.WriteFile(filepath.Join(dir, v1alpha1.ParkPrivateKey), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadWaker(dir); (err == nil) != ok {
			t.Errorf("a key of %d bytes: %v", len(content), err)
		}
	}
}

func TestLoadPublicKey(t *testing.T) {
	pair := newKeys(t)
	for name, tc := range map[string]struct{ content, want string }{
		"right":       {" " + pair.Public + "\n", pair.Public},
		"nothing":     {"", ""},
		"short":       {"c2VjcmV0", ""},
		"no base64":   {"secret!!", ""},
		"with a word": {"secret " + pair.Public, ""},
	} {
		file := filepath.Join(t.TempDir(), "public")
		if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := LoadPublicKey(file)
		if got != tc.want || (err == nil) != (tc.want != "") || strings.Contains(errorText(err), "ecret") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
