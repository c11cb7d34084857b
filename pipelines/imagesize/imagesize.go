// Package imagesize says how large an image is, so that the step that pushes one
// and the reconciler that finds one say the same. It reads no registry.
package imagesize

import (
	"math"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Of is the number of bytes that a node without any part of an image pulls: the
// compressed layers and the configuration, as the manifest tells them. It is 0,
// not known, for a manifest that tells what cannot be: anybody's registry may
// send one.
func Of(m *v1.Manifest) int64 {
	var sum int64
	for _, part := range append([]v1.Descriptor{m.Config}, m.Layers...) {
		if part.Size < 0 || part.Size > math.MaxInt64-sum {
			return 0
		}
		sum += part.Size
	}
	return sum
}
