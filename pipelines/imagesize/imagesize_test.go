package imagesize

import (
	"math"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestOf(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config int64
		layers []int64
		want   int64
	}{
		{"a usual one", 1_000, []int64{2_000_000, 30}, 2_001_030},
		{"without layers", 1_000, nil, 1_000},
		{"a layer of a negative size", 1_000, []int64{-1}, 0},
		{"a configuration of a negative size", -1, []int64{10}, 0},
		{"more than a number can be", 2, []int64{math.MaxInt64 - 1}, 0},
		{"as much as a number can be", 1, []int64{math.MaxInt64 - 1}, math.MaxInt64},
	} {
		m := &v1.Manifest{Config: v1.Descriptor{Size: tc.config}}
		for _, size := range tc.layers {
			m.Layers = append(m.Layers, v1.Descriptor{Size: size})
		}
		if got := Of(m); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}
