// Package verify checks the signatures of commits and tags.
//
// It promises that what it says of a commit or tag follows from its bytes, as
// git stores them, from a list of public keys, and from a time: it asks nobody.
// It knows OpenPGP and SSH signatures, the two that git makes by itself, and
// takes one of them in an object. What is wrong is an error whose sentence says
// what to do, by people who may never have signed anything.
//
// It does not follow chains: authorities of SSH certificates, the web of trust
// and X.509 are not known. Which commits have to be signed, and what becomes of
// one that is not, is decided elsewhere.
package verify

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// MaxObject is the largest commit or tag object that is taken, in bytes.
	MaxObject = 1 << 20
	// maxSignature is the largest signature, in bytes. One of the largest RSA
	// keys has 3 KB.
	maxSignature = 32 << 10
	// maxSigner is the longest name of a signer, in characters, as the API has it.
	maxSigner = 255
)

// What there is to do about a signature that is missing or does not count.
const (
	signCommit = `sign with "git config gpg.format ssh; git commit -S" and push a signed commit`
	signTag    = `make the tag with "git tag -s"`
)

// Any is the value of spec.verify.who by which the owner of the key does not
// matter. Otherwise it has to be whom the object names.
const Any = "any"

// Commit checks a commit object. who is spec.verify.who: the key has to belong
// to the committer, or to anybody. The error is a sentence about the commit,
// without its hash.
func (k *Keys) Commit(raw []byte, who string, now time.Time) (*v1alpha1.Signature, error) {
	o, err := readCommit(raw)
	if err != nil {
		return nil, fmt.Errorf("it %w; %s", err, signCommit)
	}
	s, err := k.check(o, who, now)
	if err != nil {
		return nil, fmt.Errorf("it %w; %s", err, signCommit)
	}
	return s, nil
}

// Tag checks a tag object that is at a tag of some name, without refs/tags/, and
// has to name a commit. So a signed tag cannot be put at another name, where it
// would mean something else.
func (k *Keys) Tag(raw []byte, name, commit, who string, now time.Time) (*v1alpha1.Signature, error) {
	o, err := readTag(raw, name, commit)
	if err != nil {
		return nil, fmt.Errorf("it %w; %s", err, signTag)
	}
	s, err := k.check(o, who, now)
	if err != nil {
		return nil, fmt.Errorf("it %w; %s", err, signTag)
	}
	return s, nil
}

// Unannotated is the error for a tag that has no object of its own, and so no
// place for a signature.
func Unannotated() error { return fmt.Errorf("it is not signed; %s", signTag) }

// check finds the key of a signature among those that count. Errors go on after
// "it".
func (k *Keys) check(o *object, who string, now time.Time) (*v1alpha1.Signature, error) {
	format, err := o.format()
	if err != nil {
		return nil, err
	}
	owner := ""
	if who != Any {
		if o.email == "" {
			return nil, fmt.Errorf("names nobody with an e-mail address as its %s", o.role)
		}
		owner = o.email
	}
	verify := k.checkSSH
	if format == openPGP {
		verify = k.checkPGP
	}
	key, signer, err := verify(o, owner, now)
	if err != nil {
		return nil, err
	}
	return &v1alpha1.Signature{Key: key, Signer: condition.Clip(signer, maxSigner), Checked: metav1.NewTime(now)}, nil
}

// notOwner: the key is a good one, of somebody else.
func notOwner(key string, o *object, owners string) error {
	return fmt.Errorf("is signed by the key %s of %s, while its %s is %s: the e-mail addresses have to be the same, or the key has to be listed with both",
		key, condition.Clip(owners, maxSigner), o.role, condition.Clip(o.email, maxSigner))
}

// notListed: nobody knows the key.
func notListed(key string) error {
	return fmt.Errorf("is signed by the key %s, which is not among the keys of spec.verify", key)
}
