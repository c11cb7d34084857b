package ocilayout

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

// imageFor is a random image for a platform.
func imageFor(t *testing.T, arch string) v1.Image {
	t.Helper()
	image, err := random.Image(1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", arch
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

func digestOf(t *testing.T, image v1.Image) v1.Hash {
	t.Helper()
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func TestWriteThenRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "image")
	first, second := imageFor(t, "amd64"), imageFor(t, "amd64")
	for _, image := range []v1.Image{first, second} {
		if err := Write(dir, image); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if digestOf(t, got) != digestOf(t, second) {
		t.Error("read another image than the last one written")
	}
	err = filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o044 != 0o044 {
			t.Errorf("%s has mode %s: the push step runs as another user", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadChooses covers what BuildKit writes: attestations beside the image,
// and images of several platforms in a nested index.
func TestReadChooses(t *testing.T) {
	other := "riscv64"
	mine, foreign, attestation := imageFor(t, runtime.GOARCH), imageFor(t, other), imageFor(t, "unknown")
	unknown := mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}}
	nested := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: foreign}, mutate.IndexAddendum{Add: mine}, unknown)
	for _, test := range []struct {
		name  string
		index v1.ImageIndex
		want  v1.Image
	}{
		{"one", mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: mine}), mine},
		{"one of another platform", mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: foreign}), foreign},
		{"with attestation", mutate.AppendManifests(empty.Index, unknown, mutate.IndexAddendum{Add: mine}), mine},
		{"nested", mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: nested}), mine},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := layout.Write(dir, test.index); err != nil {
				t.Fatal(err)
			}
			got, err := Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			if digestOf(t, got) != digestOf(t, test.want) {
				t.Error("chose another image")
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "reading image layout") {
		t.Errorf("an empty folder: %v", err)
	}
	two := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: imageFor(t, "riscv64")}, mutate.IndexAddendum{Add: imageFor(t, "s390x")})
	if _, err := layout.Write(dir, two); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "2 images, none of them for linux/"+runtime.GOARCH) {
		t.Errorf("foreign platforms: %v", err)
	}
}
