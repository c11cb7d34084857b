package verify

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// maxKeys and maxIdentities bound a list of keys: how many there are, and how
// many identities one OpenPGP key may have.
const (
	maxKeys       = 1000
	maxIdentities = 1000
)

// Keys are those whose signatures count. They never change.
type Keys struct {
	pgp openpgp.EntityList
	ssh []sshKey
}

// Len is the number of keys.
func (k *Keys) Len() int { return len(k.pgp) + len(k.ssh) }

// Parse reads the values of a Secret, by key: each holds armoured OpenPGP public
// keys, or SSH keys in the form of allowed_signers (ssh-keygen(1)). The error
// names the key of the Secret and the line, and says what to change; it never
// quotes a value. One value that cannot be read makes the whole list useless: a
// key that somebody relies on must not be missing in silence.
func Parse(values map[string][]byte) (*Keys, error) {
	k := &Keys{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := string(values[name])
		parse := k.addSigners
		if strings.Contains(value, "-----BEGIN PGP") {
			parse = k.addPGP
		}
		if err := parse(value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if k.Len() > maxKeys {
			return nil, fmt.Errorf("%s: there are more than %d keys; leave out those that nobody signs with", name, maxKeys)
		}
	}
	if k.Len() == 0 {
		return nil, errors.New(`there are no keys; add OpenPGP public keys ("gpg --armor --export"), or lines such as "ada@example.com ssh-ed25519 AAAA…"`)
	}
	return k, nil
}
