package verify

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshKey is one line of an allowed_signers file.
type sshKey struct {
	key ssh.PublicKey
	// principals and namespaces are lists of patterns; no namespaces are all.
	principals, namespaces string
	// after and before bound when the key may be used; zero: they do not.
	after, before time.Time
}

// allows reports why a key may not sign for an owner at a time; anybody is "".
func (k *sshKey) allows(o *object, owner string, now time.Time) error {
	fingerprint := ssh.FingerprintSHA256(k.key)
	switch {
	case k.namespaces != "" && !matchList(k.namespaces, namespace):
		return fmt.Errorf("is signed by the key %s, which its line in spec.verify has for namespaces %s and not for %q", fingerprint, k.namespaces, namespace)
	case !k.after.IsZero() && now.Before(k.after):
		return fmt.Errorf("is signed by the key %s, which is not valid before %s", fingerprint, k.after.Format(time.RFC3339))
	case !k.before.IsZero() && !now.Before(k.before):
		return fmt.Errorf("is signed by the key %s, which was valid until %s", fingerprint, k.before.Format(time.RFC3339))
	case owner != "" && !matchList(k.principals, owner):
		return notOwner(fingerprint, o, k.principals)
	}
	return nil
}

// addSigners reads the lines of an allowed_signers file:
//
//	principals [options] type key [comment]
func (k *Keys) addSigners(value string) error {
	n := 0
	for line := range strings.Lines(value) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, err := parseSigner(line)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		k.ssh = append(k.ssh, *key)
	}
	return nil
}

func parseSigner(line string) (*sshKey, error) {
	if strings.HasPrefix(line, "-----BEGIN") {
		return nil, errors.New("is no line of allowed_signers, such as \"ada@example.com ssh-ed25519 AAAA…\"; private keys do not belong here")
	}
	principals, rest, err := cutWord(line)
	if err != nil {
		return nil, err
	}
	if isKeyType(principals) {
		return nil, fmt.Errorf("begins with the key; put the e-mail address of its owner before it: ada@example.com %s …", principals)
	}
	k := &sshKey{principals: unquote(principals)}
	first, after, err := cutWord(rest)
	if err != nil {
		return nil, err
	}
	if first != "" && !isKeyType(first) {
		if err := k.parseOptions(first); err != nil {
			return nil, err
		}
		rest = after
	}
	// What is left has the form of a line of authorized_keys without options.
	if kind, _, _ := strings.Cut(rest, " "); !isKeyType(kind) {
		return nil, errors.New("has no key of a type that is known, such as ssh-ed25519, after its principals and options")
	}
	if k.key, _, _, _, err = ssh.ParseAuthorizedKey([]byte(rest)); err != nil {
		return nil, fmt.Errorf("has a key that cannot be read: %w", err)
	}
	if _, is := k.key.(*ssh.Certificate); is {
		return nil, errors.New("has a certificate, and has to have the key itself")
	}
	if !k.after.IsZero() && !k.before.IsZero() && !k.after.Before(k.before) {
		return nil, errors.New("has a key that is never valid: valid-before is not later than valid-after")
	}
	return k, nil
}

// isKeyType reports whether a word is the type of an SSH key, as all of them are
// named.
func isKeyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-") || strings.HasPrefix(word, "sk-")
}

func (k *sshKey) parseOptions(text string) error {
	for _, option := range splitOptions(text) {
		name, value, has := strings.Cut(option, "=")
		value = unquote(value)
		var err error
		switch name = strings.ToLower(name); {
		case name == "cert-authority":
			return errors.New("names an authority of certificates (cert-authority), which is not known here: list the keys of the people themselves")
		case name == "namespaces" && has:
			k.namespaces = value
		case name == "valid-after" && has:
			k.after, err = parseTime(value)
		case name == "valid-before" && has:
			k.before, err = parseTime(value)
		default:
			return fmt.Errorf("has an unknown option %q; known are namespaces, valid-after and valid-before", name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// parseTime reads the times of ssh-keygen. Without a Z, ssh-keygen takes the zone
// of its machine; here that is always UTC.
func parseTime(text string) (time.Time, error) {
	text = strings.TrimSuffix(strings.ToUpper(text), "Z")
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(text) == len(layout) {
			if t, err := time.Parse(layout, text); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, errors.New("is no time of the form YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, each with or without Z")
}

// cutWord cuts the first word off a line. Blanks in double quotes are part of it.
func cutWord(line string) (word, rest string, err error) {
	quoted := false
	for i := range len(line) {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return line[:i], strings.TrimLeft(line[i:], " \t"), nil
		}
	}
	if quoted {
		return "", "", errors.New("has a double quote that does not end")
	}
	return line, "", nil
}

// splitOptions splits at commas outside of double quotes.
func splitOptions(text string) []string {
	var out []string
	quoted, start := false, 0
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

// unquote takes double quotes off.
func unquote(text string) string {
	if len(text) >= 2 && text[0] == '"' && text[len(text)-1] == '"' {
		return text[1 : len(text)-1]
	}
	return text
}
