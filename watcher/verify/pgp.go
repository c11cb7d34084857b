package verify

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// addPGP reads blocks of armoured keys. Text between them is skipped.
func (k *Keys) addPGP(value string) error {
	const begin = "-----BEGIN PGP"
	for n, rest := 1, value; ; n++ {
		at := strings.Index(rest, begin)
		if at < 0 {
			return nil
		}
		block := rest[at:]
		if next := strings.Index(block[len(begin):], begin); next >= 0 {
			block = block[:len(begin)+next]
		}
		rest = rest[at+len(block):]
		if err := k.addBlock(block); err != nil {
			return fmt.Errorf("key block %d: %w", n, err)
		}
	}
}

func (k *Keys) addBlock(text string) error {
	block, err := armor.Decode(strings.NewReader(text))
	switch {
	case err != nil:
		return fmt.Errorf("cannot be read: %w", err)
	case block.Type == openpgp.PrivateKeyType:
		return errors.New(`is a private key, which belongs to nobody else; put in the public one: "gpg --armor --export"`)
	case block.Type != openpgp.PublicKeyType:
		return fmt.Errorf("is a %s and no public key", block.Type)
	}
	for packets := packet.NewReader(block.Body); ; {
		key, err := openpgp.ReadEntity(packets)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("cannot be read: %w", err)
		case len(key.Identities) > maxIdentities:
			return fmt.Errorf("the key %s has more than %d identities", fingerprint(key), maxIdentities)
		}
		k.pgp = append(k.pgp, key)
	}
}

// fingerprint is that of a key's primary key, whichever of its subkeys signs.
func fingerprint(key *openpgp.Entity) string {
	return strings.ToUpper(hex.EncodeToString(key.PrimaryKey.Fingerprint))
}

// strong are the hashes under which a signature counts.
var strong = []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512}

// checkPGP finds the key that has signed, and the identity of it that owner is an
// e-mail address of; its main one where no owner is asked for.
func (k *Keys) checkPGP(o *object, owner string, now time.Time) (key, signer string, err error) {
	body, err := onePacket(o.signature)
	if err != nil {
		return "", "", err
	}
	// The library names the key where only the key, or the signature, is out of
	// date.
	_, by, err := openpgp.VerifyDetachedSignature(k.pgp, bytes.NewReader(o.payload), bytes.NewReader(body.raw), &packet.Config{Time: func() time.Time { return now }})
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return "", "", notListed(body.issuer)
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return "", "", fmt.Errorf("is signed by the key %s, which has expired", fingerprint(by))
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return "", "", fmt.Errorf("is signed by the key %s, which is revoked", fingerprint(by))
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return "", "", fmt.Errorf("has a signature of the key %s that has expired, or is of a time to come", fingerprint(by))
	case err != nil:
		return "", "", fmt.Errorf("has a signature that is not its own: %w", err)
	}
	key = fingerprint(by)
	if owner == "" {
		if main := by.PrimaryIdentity(); main != nil {
			signer = main.Name
		}
		return key, signer, nil
	}
	names := slices.Sorted(maps.Keys(by.Identities))
	for _, name := range names {
		identity := by.Identities[name]
		if strings.EqualFold(identity.UserId.Email, owner) && !identity.Revoked(now) && !identity.SelfSignature.SigExpired(now) {
			return key, name, nil
		}
	}
	return "", "", notOwner(key, o, firstFew(names))
}

// onlyPacket is the content of a signature's armour.
type onlyPacket struct {
	raw []byte
	// issuer is the key that it says it is of.
	issuer string
}

// onePacket takes the armour off a signature. Inside is one packet, or it is not
// sure which one would count.
func onePacket(armoured []byte) (onlyPacket, error) {
	unreadable := func(err error) (onlyPacket, error) {
		return onlyPacket{}, fmt.Errorf("has a signature that cannot be read: %w", err)
	}
	block, err := armor.Decode(bytes.NewReader(armoured))
	if err != nil {
		return unreadable(err)
	}
	raw, err := io.ReadAll(io.LimitReader(block.Body, maxSignature))
	if err != nil {
		return unreadable(err)
	}
	packets := packet.NewReader(bytes.NewReader(raw))
	first, err := packets.Next()
	if err != nil {
		return unreadable(err)
	}
	sig, is := first.(*packet.Signature)
	switch {
	case !is:
		return unreadable(errors.New("it holds something else"))
	case !slices.Contains(strong, sig.Hash):
		return onlyPacket{}, fmt.Errorf("has a signature made with the hash %s, which is too weak", sig.Hash)
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return onlyPacket{}, errSeveral
	}
	out := onlyPacket{raw: raw}
	switch {
	case len(sig.IssuerFingerprint) > 0:
		out.issuer = strings.ToUpper(hex.EncodeToString(sig.IssuerFingerprint))
	case sig.IssuerKeyId != nil:
		out.issuer = fmt.Sprintf("%016X", *sig.IssuerKeyId)
	}
	return out, nil
}

// firstFew lists some of many names.
func firstFew(names []string) string {
	const few = 3
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), len(names)-few)
}
