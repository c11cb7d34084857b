package verify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// TestLists: what is wrong with a list is said with the key of the Secret and the
// line, and what to change.
func TestLists(t *testing.T) {
	_, ada := sshSigner(t, "")
	key := strings.TrimSpace(ada)
	_, pgp := pgpKey(t, "ada@example.com", now, 0)
	entity, _ := pgpKey(t, "ada@example.com", now, 0)
	for i := range maxIdentities {
		if err := entity.AddUserId("Ada", "", fmt.Sprintf("ada%d@example.com", i), &packet.Config{Time: func() time.Time { return now }}); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		list, want string
	}{
		"a line":                  {"ada@example.com " + key, ""},
		"a comment after it":      {"ada@example.com " + key + " Ada's laptop", ""},
		"tabs and CR":             {"ada@example.com\t" + key + "\r\n", ""},
		"quoted principals":       {`"ada@example.com,bob@example.com" ` + key, ""},
		"options":                 {`ada@example.com namespaces="git, file",valid-after=20260101,valid-before="20270101000000Z" ` + key, ""},
		"nothing":                 {"\n# nobody\n", "there are no keys"},
		"no principal":            {"\n" + key, "0: line 2: begins with the key; put the e-mail address of its owner before it: ada@example.com ssh-ed25519 …"},
		"no key":                  {"ada@example.com", "line 1: has no key of a type"},
		"half a key":              {"ada@example.com ssh-ed25519 AAAA", "has a key that cannot be read"},
		"an authority":            {"*@example.com cert-authority " + key, "(cert-authority), which is not known here: list the keys of the people themselves"},
		"an option nobody knows":  {"ada@example.com no-touch " + key, `has an unknown option "no-touch"`},
		"an option without value": {"ada@example.com namespaces " + key, `has an unknown option "namespaces"`},
		"a time":                  {"ada@example.com valid-before=tomorrow " + key, "valid-before: is no time of the form YYYYMMDD"},
		"never valid":             {"ada@example.com valid-after=20260102,valid-before=20260101 " + key, "never valid"},
		"an open quote":           {`"ada@example.com ` + key, "double quote that does not end"},
		"a private ssh key":       {"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "line 1: is no line of allowed_signers"},
		"pgp":                     {"Ada's key\n" + pgp, ""},
		"half a pgp key":          {pgp[:len(pgp)/2], "key block 1: cannot be read"},
		"a second one, broken":    {pgp + "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n", "key block 2: cannot be read"},
		"a private pgp key":       {private(t, entity), "key block 1: is a private key"},
		"a signature":             {"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n", "is a PGP SIGNATURE and no public key"},
		"a thousand identities":   {public(t, entity), "more than 1000 identities"},
		"too many keys":           {strings.Repeat("ada@example.com "+key+"\n", maxKeys+1), "more than 1000 keys"},
	}
	for name, tc := range tests {
		_, err := Parse(map[string][]byte{"0": []byte(tc.list)})
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: error %v, want ...%s...", name, err, tc.want)
		case err != nil && strings.Contains(err.Error(), strings.Fields(key)[1]):
			t.Errorf("%s: the error quotes a key: %v", name, err)
		}
	}
}

func private(t *testing.T, key *openpgp.Entity) string {
	t.Helper()
	var out strings.Builder
	w, err := armor.Encode(&out, openpgp.PrivateKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.SerializePrivateWithoutSigning(w, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPatterns(t *testing.T) {
	for _, tc := range []struct {
		list, name string
		want       bool
	}{
		{"ada@example.com", "ada@example.com", true},
		{"ada@example.com", "Ada@Example.Com", true},
		{"ada@example.com", "ada@example.com.evil.org", false},
		{"bob@x, ada@example.com", "ada@example.com", true},
		{"*@example.com", "ada@example.com", true},
		{"*@example.com", "ada@sub.example.com", false},
		{"*", "ada@example.com", true},
		{"*,!ada@*", "ada@example.com", false},
		{"!ada@*", "bob@example.com", false},
		{"a?a@example.com", "ada@example.com", true},
		{"a?a@example.com", "aa@example.com", false},
		{"", "", true},
		{"", "ada", false},
		{"a**b*", "ab", true},
		{strings.Repeat("*a", 100) + "b", strings.Repeat("a", 10_000), false},
	} {
		if got := matchList(tc.list, tc.name); got != tc.want {
			t.Errorf("matchList(%.20q, %.20q) = %v, want %v", tc.list, tc.name, got, tc.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(read(f, "allowed_signers")))
	f.Add(string(read(f, "pubkeys.asc")))
	f.Add(`*@x,!y namespaces="git",valid-after=20260101Z ssh-ed25519 AAAA`)
	f.Fuzz(func(_ *testing.T, list string) {
		_, _ = Parse(map[string][]byte{"keys": []byte(list)}) // it must not panic
	})
}
