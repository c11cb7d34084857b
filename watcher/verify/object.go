package verify

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/headway-dev/headway/api/condition"
)

// object is a commit or tag, taken apart as git does it.
type object struct {
	// payload is what is signed: all but the signature.
	payload []byte
	// signature, with its armour; empty where there is none.
	signature []byte
	// email of whom the object names as its committer or tagger, which role says.
	email, role string
}

// What a signature may look like, by its first line.
const (
	openPGP = "-----BEGIN PGP SIGNATURE-----"
	sshSig  = "-----BEGIN SSH SIGNATURE-----"
	x509Sig = "-----BEGIN SIGNED MESSAGE-----"
	// oldPGP is what very old versions of gpg wrote.
	oldPGP = "-----BEGIN PGP MESSAGE-----"
)

// readCommit takes a commit apart: its signature is in a header of several
// lines, each after a space. A second one, for the hashes of another kind, is
// signed by neither.
func readCommit(raw []byte) (*object, error) {
	o := &object{role: "committer"}
	signatures := 0
	var header string // that a line with a space goes on with
	for rest := raw; ; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if len(line) == 0 || !found { // the message is all that follows
			o.payload = append(o.payload, rest...)
			break
		}
		if line[0] != ' ' {
			name, _, _ := strings.Cut(string(line), " ")
			header = name
		}
		switch {
		case header == "gpgsig":
			text := line[1:] // after the space
			if line[0] != ' ' {
				text = bytes.TrimPrefix(line, []byte("gpgsig "))
				signatures++
			}
			o.signature = append(append(o.signature, text...), '\n')
		case strings.HasPrefix(header, "gpgsig"):
		default:
			if header == "committer" && line[0] != ' ' {
				if o.email != "" {
					return nil, errors.New("names more than one committer")
				}
				o.email = email(line)
			}
			o.payload = append(o.payload, rest[:len(line)+1]...)
		}
		rest = after
	}
	if signatures > 1 {
		return nil, errSeveral
	}
	return o, nil
}

// readTag takes a tag apart: its signature is at the end of its message.
func readTag(raw []byte, name, commit string) (*object, error) {
	o := &object{role: "tagger"}
	headers := map[string]string{}
	for rest := raw; ; {
		line, after, found := bytes.Cut(rest, []byte("\n"))
		if len(line) == 0 || !found {
			break
		}
		key, value, _ := strings.Cut(string(line), " ")
		if _, twice := headers[key]; twice {
			return nil, fmt.Errorf("has the header %q twice", condition.Clip(key, maxSigner))
		}
		headers[key] = value
		rest = after
	}
	switch {
	case headers["type"] != "commit" || headers["object"] != commit:
		return nil, fmt.Errorf("is the tag of something else than commit %s", commit)
	case headers["tag"] != name:
		return nil, fmt.Errorf("is a tag that was made with another name, %q", condition.Clip(headers["tag"], maxSigner))
	}
	o.email = email([]byte(headers["tagger"]))
	o.payload = raw
	for at := 0; at < len(raw); { // the last first line of a signature counts, as for git
		line, _, _ := bytes.Cut(raw[at:], []byte("\n"))
		if known(string(line)) {
			o.payload, o.signature = raw[:at], raw[at:]
		}
		at += len(line) + 1
	}
	return o, nil
}

var errSeveral = errors.New("has several signatures, and one is taken")

// format is how the object is signed: openPGP or sshSig.
func (o *object) format() (string, error) {
	if len(bytes.TrimSpace(o.signature)) == 0 {
		return "", errors.New("is not signed")
	}
	if len(o.signature) > maxSignature {
		return "", fmt.Errorf("has a signature of more than %d KiB", maxSignature>>10)
	}
	begins := 0
	for line := range strings.Lines(string(o.signature)) {
		if strings.HasPrefix(line, "-----BEGIN ") {
			begins++
		}
	}
	if begins > 1 {
		return "", errSeveral
	}
	switch first, _, _ := strings.Cut(string(o.signature), "\n"); {
	case strings.TrimRight(first, "\r ") == openPGP:
		return openPGP, nil
	case strings.TrimRight(first, "\r ") == sshSig:
		return sshSig, nil
	case known(first):
		return "", errors.New("is signed in a way that is not known here, such as by an X.509 certificate; OpenPGP and SSH signatures are")
	default:
		return "", errors.New("has a signature that begins like none that is known; OpenPGP and SSH signatures are")
	}
}

// known reports whether a line begins a signature of any kind that git makes.
func known(line string) bool {
	for _, begin := range []string{openPGP, sshSig, x509Sig, oldPGP} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

// email of a line such as "committer Ada <ada@example.com> 1700000000 +0000".
func email(line []byte) string {
	_, after, _ := bytes.Cut(line, []byte("<"))
	address, _, closed := bytes.Cut(after, []byte(">"))
	if !closed {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?' // it is shown to people
	}, strings.TrimSpace(string(address)))
}
