package park

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
)

// What package v1alpha1 says, without all that it imports.
const (
	envPrefix = "HEADWAY_PARK_"
	envPod    = envPrefix + "POD"
	envKey    = envPrefix + "KEY"

	privateFile = "private"
)

// port is a variable so that a test's program can have a free one.
var port = "8013"

// The line of a wake call is wakePrefix and a signature in base64; the answer
// is yes, or noPrefix and the reason.
const (
	wakePrefix = "wake "
	yes        = "ok"
	noPrefix   = "no: "
	// longestLine bounds both, in bytes, with the end of the line.
	longestLine = 512
)

// Reasons for saying no.
var (
	errNotWake   = errors.New("not a wake call")
	errSignature = errors.New("the signature is not for this pod by the key it knows")
)

// protocol begins what is signed: nothing else that the key signs looks like it.
const protocol = "headway wake v1"

func message(pod string) []byte { return []byte(protocol + "\n" + pod + "\n") }

// wakeCall is the line that wakes a pod, with its end.
func wakeCall(key ed25519.PrivateKey, pod string) string {
	return wakePrefix + base64.StdEncoding.EncodeToString(ed25519.Sign(key, message(pod))) + "\n"
}

// gate decides who wakes a pod.
type gate struct {
	pod string
	key ed25519.PublicKey
}

// check returns nil if the line, without its end, wakes the pod.
func (g gate) check(line string) error {
	encoded, ok := strings.CutPrefix(line, wakePrefix)
	if !ok {
		return errNotWake
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(encoded)
	// The decoder passes over line ends, which do not belong here.
	if err != nil || len(signature) != ed25519.SignatureSize || len(encoded) != base64.StdEncoding.EncodedLen(len(signature)) {
		return errNotWake
	}
	if !ed25519.Verify(g.key, message(g.pod), signature) {
		return errSignature
	}
	return nil
}
