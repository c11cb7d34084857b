package explain

import (
	"math"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestImageBeside(t *testing.T) {
	const unknown = -1
	revision := func(size int64, start time.Duration) *v1alpha1.Revision {
		r := &v1alpha1.Revision{}
		if size != unknown {
			r.Status.ImageConfig = &v1alpha1.ImageConfig{SizeBytes: size}
		}
		if start != unknown {
			r.Status.FirstStart = &metav1.Duration{Duration: start}
		}
		return r
	}
	for _, tc := range []struct {
		name      string
		own, live *v1alpha1.Revision
		want      string
	}{
		{"no production", revision(12_400_000, 12*time.Second), nil, "12.4 MB, starts in about 12s"},
		{"larger and slower", revision(12_400_000, 12*time.Second), revision(12_100_000, 9*time.Second), "12.4 MB (production: 12.1 MB, +300 kB), starts in about 12s (production: in about 9s)"},
		{"smaller and quicker", revision(12_100_000, 0), revision(1_212_100_000, 72*time.Second), "12.1 MB (production: 1.21 GB, -1.20 GB), starts within 3s (production: in about 1m12s)"},
		{"no difference that can be told", revision(12_400_010, 2*time.Second), revision(12_400_000, 0), "12.4 MB (as in production), starts within 3s (as in production)"},
		{"production is not known", revision(840, 3*time.Second), revision(unknown, unknown), "840 B, starts in about 3s"},
		{"an image without a size", revision(0, time.Second), revision(5, unknown), "starts within 3s"},
		{"a start that is not known", revision(5, unknown), revision(5, 0), "5 B (as in production)"},
		{"nothing", revision(unknown, unknown), revision(5, 0), ""},
		{"no revision", nil, revision(5, 0), ""},
	} {
		if got := ImageBeside(tc.own, tc.live); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "", 1: "1 B", 999: "999 B", 1_000: "1.00 kB", 9_994: "9.99 kB", 9_995: "10.0 kB", 99_949: "99.9 kB", 99_950: "100 kB",
		999_499: "999 kB", 999_500: "1.00 MB", 1_234_567_890: "1.23 GB", math.MaxInt64: "9.22 EB",
	} {
		if got := size(bytes); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
}
