package specfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Hash is the hash of what a headway.yaml freezes into a Revision: path,
// build, image and runtime, but not name, watch, ignore, hosts or pin. Two files that differ
// only in order, comments or spelled-out defaults have the same hash.
func Hash(s *Spec) string {
	frozen := struct {
		Path    string
		Build   Build
		Image   string
		Runtime v1alpha1.Runtime
	}{s.Path, s.Build, s.Image, s.Runtime}
	// The JSON encoding sorts maps and writes structs in order of declaration.
	data, err := json.Marshal(frozen)
	if err != nil {
		panic(fmt.Sprintf("encoding a spec of plain values: %v", err))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
