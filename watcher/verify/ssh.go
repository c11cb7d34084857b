package verify

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// namespace is what git's signatures are made for; a signature of the same key
// for something else is none of a commit.
const namespace = "git"

// checkSSH finds the key that has signed, and the principal that owner is; all of
// its principals where no owner is asked for.
func (k *Keys) checkSSH(o *object, owner string, now time.Time) (key, signer string, err error) {
	sig, err := sshsig.Unarmor(o.signature)
	if err != nil {
		return "", "", fmt.Errorf("has a signature that cannot be read: %w", err)
	}
	key = ssh.FingerprintSHA256(sig.PublicKey)
	if _, is := sig.PublicKey.(*ssh.Certificate); is {
		return "", "", errors.New("is signed by an SSH certificate; only plain keys are known here")
	}
	err = notListed(key)
	for i := range k.ssh {
		listed := &k.ssh[i]
		if !bytes.Equal(listed.key.Marshal(), sig.PublicKey.Marshal()) {
			continue
		}
		if err = listed.allows(o, owner, now); err != nil {
			continue
		}
		if err := sshsig.Verify(bytes.NewReader(o.payload), sig, listed.key, sig.HashAlgorithm, namespace); err != nil {
			return "", "", fmt.Errorf("has a signature that is not its own: %w", err)
		}
		if owner == "" {
			return key, listed.principals, nil
		}
		return key, owner, nil
	}
	return "", "", err
}
