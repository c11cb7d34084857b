package park

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// KeyPair is what wake calls are signed and checked with, in base64 as the
// Secret headway-park holds it.
type KeyPair struct {
	// Private is the seed of an Ed25519 key, 32 bytes.
	Private string
	// Public is the Ed25519 public key, 32 bytes.
	Public string
}

// NewKeyPair makes a pair out of the system's randomness.
func NewKeyPair() (KeyPair, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return KeyPair{}, fmt.Errorf("making a key pair: %w", err)
	}
	return KeyPair{
		Private: base64.StdEncoding.EncodeToString(private.Seed()),
		Public:  base64.StdEncoding.EncodeToString(public),
	}, nil
}

// Check returns an error unless both keys are readable and belong together. The
// error shows neither.
func (p KeyPair) Check() error {
	private, err := parsePrivate(p.Private)
	if err != nil {
		return err
	}
	public, err := parsePublic(p.Public)
	if err != nil {
		return err
	}
	if !public.Equal(private.Public()) {
		return errors.New("the public key does not belong to the private key")
	}
	return nil
}

func parsePrivate(encoded string) (ed25519.PrivateKey, error) {
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("the private key is not the %d bytes of an Ed25519 seed in base64", ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func parsePublic(encoded string) (ed25519.PublicKey, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("the public key is not the %d bytes of an Ed25519 key in base64", ed25519.PublicKeySize)
	}
	return ed25519.PublicKey(key), nil
}

// LoadPublicKey reads what wake calls are checked with, in base64, out of a file.
// The error does not show what the file holds.
func LoadPublicKey(file string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the key that wake calls are checked with: %w", err)
	}
	if _, err := parsePublic(string(content)); err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	return strings.TrimSpace(string(content)), nil
}

// LoadWaker makes a Waker from the folder in which the Secret headway-park is
// mounted. It is read once: a new key needs a restart, and new parked pods.
func LoadWaker(dir string) (*Waker, error) {
	content, err := os.ReadFile(filepath.Join(dir, privateFile))
	if err != nil {
		return nil, fmt.Errorf("reading the key that wakes parked pods: %w", err)
	}
	key, err := parsePrivate(string(content))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(dir, privateFile), err)
	}
	return &Waker{key: key}, nil
}
