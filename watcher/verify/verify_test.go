package verify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// now is later than the signatures in testdata.
var now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB, lists ...string) *Keys {
	t.Helper()
	values := map[string][]byte{}
	for i, list := range lists {
		values[fmt.Sprint(i)] = []byte(list)
	}
	keys, err := Parse(values)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// tagged is the commit that a tag object names.
func tagged(raw []byte) string { return string(raw[len("object "):][:40]) }

// TestWhatGitMakes: commits and tags that git has signed by gpg and ssh-keygen
// count, and with one byte changed they do not.
func TestWhatGitMakes(t *testing.T) {
	keys := parse(t, string(read(t, "allowed_signers")), string(read(t, "pubkeys.asc")))
	signers := map[string]string{
		"ssh-ed25519": "ada@example.com", "ssh-ecdsa": "ada@example.com", "ssh-rsa": "ada@example.com",
		"gpg-ed25519": "Ada (ed25519) <ada@example.com>", "gpg-rsa3072": "Ada (rsa3072) <ada@example.com>",
		"gpg-subkey": "Ada (subkey) <ada@example.com>", "merge-of-tag": "Ada (subkey) <ada@example.com>",
	}
	for name, signer := range signers {
		checks := map[string]func([]byte) (*v1alpha1.Signature, error){
			"commit-" + name: func(raw []byte) (*v1alpha1.Signature, error) { return keys.Commit(raw, "committer", now) },
		}
		if name != "merge-of-tag" {
			commit := tagged(read(t, "tag-"+name))
			checks["tag-"+name] = func(raw []byte) (*v1alpha1.Signature, error) {
				return keys.Tag(raw, "v-"+name, commit, "committer", now)
			}
		}
		for file, check := range checks {
			raw := read(t, file)
			got, err := check(raw)
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if got.Signer != signer || got.Key == "" || !got.Checked.Time.Equal(now) {
				t.Errorf("%s: %+v, want signer %s", file, got, signer)
			}
			for _, word := range []string{"Sign by", "Tag by", "Merge a", "1795787", "object", "tree"} {
				changed := bytes.Replace(raw, []byte(word), []byte(strings.ToUpper(word[:len(word)-1])+"x"), 1)
				if bytes.Equal(changed, raw) {
					continue
				}
				if got, err := check(changed); err == nil {
					t.Errorf("%s with another %q: %+v, want an error", file, word, got)
				}
			}
		}
	}
}

func TestUnsigned(t *testing.T) {
	keys := parse(t, string(read(t, "allowed_signers")))
	_, err := keys.Commit(read(t, "commit-unsigned"), "committer", now)
	wantError(t, err, `it is not signed; sign with "git config gpg.format ssh; git commit -S" and push a signed commit`)
	raw := read(t, "tag-unsigned")
	_, err = keys.Tag(raw, "v-unsigned", tagged(raw), "committer", now)
	wantError(t, err, `it is not signed; make the tag with "git tag -s"`)
	_, err = keys.Commit(read(t, "commit-gpg-rsa3072"), "committer", now)
	wantError(t, err, "which is not among the keys of spec.verify")
}

// TestTagElsewhere: a signature counts for the tag and the commit that it was
// made for.
func TestTagElsewhere(t *testing.T) {
	keys := parse(t, string(read(t, "allowed_signers")))
	raw := read(t, "tag-ssh-ed25519")
	_, err := keys.Tag(raw, "headway/approve/shop/1a2b3c4", tagged(raw), "any", now)
	wantError(t, err, `is a tag that was made with another name, "v-ssh-ed25519"`)
	_, err = keys.Tag(raw, "v-ssh-ed25519", strings.Repeat("a", 40), "any", now)
	wantError(t, err, "is the tag of something else than commit aaaa")
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want ...%s...", err, want)
	}
}

// sshSigner is a new key, and the line of it in an allowed_signers file.
func sshSigner(t testing.TB, before string) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, before + " " + string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
}

func sshSign(t testing.TB, signer ssh.Signer, namespace string) func([]byte) string {
	return func(payload []byte) string {
		sig, err := sshsig.Sign(bytes.NewReader(payload), signer, sshsig.HashSHA512, namespace)
		if err != nil {
			t.Fatal(err)
		}
		return string(sshsig.Armor(sig))
	}
}

// pgpKey is a new key that was made at a time, and its public half.
func pgpKey(t testing.TB, email string, made time.Time, lifetime time.Duration) (*openpgp.Entity, string) {
	t.Helper()
	key, err := openpgp.NewEntity("Ada", "", email, &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA,
		Time: func() time.Time { return made }, KeyLifetimeSecs: uint32(lifetime.Seconds())})
	if err != nil {
		t.Fatal(err)
	}
	return key, public(t, key)
}

func public(t testing.TB, key *openpgp.Entity) string {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

func pgpSign(t testing.TB, key *openpgp.Entity, at time.Time) func([]byte) string {
	return func(payload []byte) string {
		var out bytes.Buffer
		if err := openpgp.ArmoredDetachSign(&out, key, bytes.NewReader(payload), &packet.Config{Time: func() time.Time { return at }}); err != nil {
			t.Fatal(err)
		}
		return out.String() + "\n"
	}
}

// commitBy is a commit object with a signature, such as git makes.
func commitBy(committer string, sign func([]byte) string) []byte {
	headers := "tree " + strings.Repeat("a", 40) + "\nauthor Eve <eve@example.com> 1 +0000\ncommitter " + committer + " 1 +0000\n"
	message := "\nA message\n"
	signature := strings.TrimSuffix(sign([]byte(headers+message)), "\n")
	return []byte(headers + "gpgsig " + strings.ReplaceAll(signature, "\n", "\n ") + "\n" + message)
}

func TestCommits(t *testing.T) {
	hour := time.Hour
	ada, adaLine := sshSigner(t, "ada@example.com")
	bob, bobLine := sshSigner(t, `*@ops.example.com,!eve@ops.example.com valid-after="20261101",valid-before=202612020000Z`)
	files, filesLine := sshSigner(t, `ada@example.com namespaces="file,mail"`)
	late, lateLine := sshSigner(t, "ada@example.com valid-after=20261225")
	gone, goneLine := sshSigner(t, "ada@example.com valid-before=20261124")
	stranger, _ := sshSigner(t, "")
	pgp, pgpPublic := pgpKey(t, "ada@example.com", now.Add(-hour), 0)
	expired, expiredPublic := pgpKey(t, "ada@example.com", now.Add(-3*hour), hour)
	revoked, _ := pgpKey(t, "ada@example.com", now.Add(-3*hour), 0)
	if err := revoked.RevokeKey(packet.KeyCompromised, "lost", &packet.Config{Time: func() time.Time { return now.Add(-hour) }}); err != nil {
		t.Fatal(err)
	}
	revokedPublic := public(t, revoked)
	revoked.Revocations = nil // its thief signs on
	keys := parse(t, adaLine+"# a comment\n\n"+bobLine+filesLine+lateLine+goneLine, pgpPublic+expiredPublic, revokedPublic)
	const adaName, bobName = "Ada <ada@example.com>", "Bob <Bob@Ops.example.com>"
	tests := map[string]struct {
		committer string
		sign      func([]byte) string
		who       string
		// want is the signer, or after "!" a part of the error.
		want string
	}{
		"ssh":                       {adaName, sshSign(t, ada, "git"), "committer", "ada@example.com"},
		"ssh, of the API's default": {adaName, sshSign(t, ada, "git"), "", "ada@example.com"},
		"ssh, by a pattern":         {bobName, sshSign(t, bob, "git"), "committer", "Bob@Ops.example.com"},
		"ssh, not by a pattern":     {"Eve <eve@ops.example.com>", sshSign(t, bob, "git"), "committer", "!while its committer is eve@ops.example.com"},
		"ssh, of somebody else":     {adaName, sshSign(t, bob, "git"), "committer", "!of *@ops.example.com,!eve@ops.example.com, while its committer is ada@example.com"},
		"ssh, of anybody":           {adaName, sshSign(t, bob, "git"), "any", "*@ops.example.com,!eve@ops.example.com"},
		"ssh, for a file":           {adaName, sshSign(t, ada, "file"), "committer", "!namespace does not match"},
		"ssh, a key for files":      {adaName, sshSign(t, files, "git"), "committer", `!for namespaces file,mail and not for "git"`},
		"ssh, too early":            {adaName, sshSign(t, late, "git"), "committer", "!which is not valid before 2026-12-25T00:00:00Z"},
		"ssh, too late":             {adaName, sshSign(t, gone, "git"), "committer", "!which was valid until 2026-11-24T00:00:00Z"},
		"ssh, not listed":           {adaName, sshSign(t, stranger, "git"), "any", "!" + ssh.FingerprintSHA256(stranger.PublicKey()) + ", which is not among the keys"},
		"pgp":                       {adaName, pgpSign(t, pgp, now.Add(-time.Minute)), "committer", adaName},
		"pgp, of somebody else":     {bobName, pgpSign(t, pgp, now.Add(-time.Minute)), "committer", "!of Ada <ada@example.com>, while its committer is Bob@Ops.example.com"},
		"pgp, of anybody":           {bobName, pgpSign(t, pgp, now.Add(-time.Minute)), "any", adaName},
		"pgp, expired since":        {adaName, pgpSign(t, expired, now.Add(-150*time.Minute)), "committer", "!which has expired"},
		"pgp, revoked":              {adaName, pgpSign(t, revoked, now.Add(-150*time.Minute)), "committer", "!which is revoked"},
		"pgp, of tomorrow":          {adaName, pgpSign(t, pgp, now.Add(24*hour)), "committer", "!or is of a time to come"},
		"nobody":                    {"Ada", sshSign(t, ada, "git"), "committer", "!names nobody with an e-mail address as its committer"},
		"nothing in it":             {adaName, func([]byte) string { return "" }, "any", "!is not signed"},
		"a kind that is not known":  {adaName, func([]byte) string { return "-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n" }, "any", "!such as by an X.509 certificate"},
		"something":                 {adaName, func([]byte) string { return "trust me" }, "any", "!begins like none that is known"},
		"no base64":                 {adaName, func([]byte) string { return sshSig + "\n!!!\n-----END SSH SIGNATURE-----\n" }, "any", "!cannot be read"},
		"no pgp":                    {adaName, func([]byte) string { return openPGP + "\n\nAAAA\n-----END PGP SIGNATURE-----\n" }, "any", "!cannot be read"},
		"a megabyte":                {adaName, func([]byte) string { return sshSig + "\n" + strings.Repeat("AAAA\n", 200_000) }, "any", "!more than 32 KiB"},
		"two signatures":            {adaName, func(p []byte) string { return sshSign(t, ada, "git")(p) + sshSign(t, bob, "git")(p) }, "any", "!several signatures"},
		"two signatures in an armour": {adaName, func(p []byte) string {
			return joined(t, pgpSign(t, pgp, now)(p), pgpSign(t, expired, now.Add(-150*time.Minute))(p))
		}, "any", "!several signatures"},
		"of another commit":      {adaName, func([]byte) string { return sshSign(t, ada, "git")([]byte("x")) }, "any", "!not its own"},
		"of another commit, pgp": {adaName, func([]byte) string { return pgpSign(t, pgp, now)([]byte("x")) }, "any", "!not its own"},
	}
	for name, tc := range tests {
		got, err := keys.Commit(commitBy(tc.committer, tc.sign), tc.who, now)
		if want, fails := strings.CutPrefix(tc.want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "; "+signCommit) {
				t.Errorf("%s: error %v, want ...%s...", name, err, want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := &v1alpha1.Signature{Signer: tc.want}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(v1alpha1.Signature{}, "Key", "Checked")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// joined puts the packets of several signatures under one armour.
func joined(t testing.TB, armoured ...string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.SignatureType, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range armoured {
		block, err := armor.Decode(strings.NewReader(a))
		if err != nil {
			t.Fatal(err)
		}
		var raw bytes.Buffer
		if _, err := raw.ReadFrom(block.Body); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(raw.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

// TestTwoHeaders: of two signatures in headers of their own none is taken, and
// of two committers neither is.
func TestTwoHeaders(t *testing.T) {
	signer, line := sshSigner(t, "ada@example.com")
	keys := parse(t, line)
	raw := string(commitBy("Ada <ada@example.com>", sshSign(t, signer, "git")))
	at := strings.Index(raw, "gpgsig ")
	end := strings.Index(raw, "\n\nA message")
	for name, tc := range map[string]struct{ raw, want string }{
		"signatures":        {raw[:end+1] + raw[at:], "several signatures"},
		"committers":        {strings.Replace(raw, "committer ", "committer Eve <eve@example.com> 1 +0000\ncommitter ", 1), "more than one committer"},
		"no end":            {raw[:at], "is not signed"},
		"nothing":           {"", "is not signed"},
		"header in message": {raw[:at] + "\n" + raw[at:], "is not signed"},
	} {
		_, err := keys.Commit([]byte(tc.raw), "any", now)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want ...%s...", name, err, tc.want)
		}
	}
	// A signature for the other kind of hashes is signed by neither.
	if _, err := keys.Commit([]byte(raw[:end+1]+"gpgsig-sha256 -----BEGIN\n more\n"+raw[end+1:]), "any", now); err != nil {
		t.Errorf("with a signature for other hashes beside it: %v", err)
	}
}

// FuzzCommit: whatever somebody pushes, the answer is an error or a signature
// over the bytes that were signed.
func FuzzCommit(f *testing.F) {
	keys := parse(f, string(read(f, "allowed_signers")), string(read(f, "pubkeys.asc")))
	signed := map[string]bool{}
	for _, name := range []string{"ssh-ed25519", "ssh-ecdsa", "ssh-rsa", "gpg-ed25519", "gpg-rsa3072", "gpg-subkey", "merge-of-tag"} {
		raw := read(f, "commit-"+name)
		f.Add(raw)
		o, err := readCommit(raw)
		if err != nil {
			f.Fatal(err)
		}
		signed[string(o.payload)] = true
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := keys.Commit(raw, "any", now); err != nil {
			return
		}
		if o, _ := readCommit(raw); !signed[string(o.payload)] {
			t.Errorf("counts as signed:\n%s", raw)
		}
	})
}
