package ociimage

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestBuildWritesEntries(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("binary"), 0o700); err != nil {
		t.Fatal(err)
	}
	image, err := Build(t.Context(), Spec{
		Layers: []Layer{{Files: []File{
			{Path: "/usr/bin/program", Source: program, Mode: 0o755},
			{Path: "etc/motd", Data: []byte("hello")},
			{Path: "bin", Link: "usr/bin"},
			{Path: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777, UID: 5},
		}}},
		Entrypoint: []string{"/usr/bin/program"}, Env: []string{"A=1"}, User: "65532",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"bin -> usr/bin 644 0",
		"etc/ 755 0",
		"etc/motd=hello 644 0",
		"tmp/ 1777 5",
		"usr/ 755 0",
		"usr/bin/ 755 0",
		"usr/bin/program=binary 755 0",
	}
	if diff := cmp.Diff(want, entries(t, image)); diff != "" {
		t.Errorf("layer entries (-want +got):\n%s", diff)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Config; got.User != "65532" || got.Entrypoint[0] != "/usr/bin/program" || got.Env[0] != "A=1" {
		t.Errorf("configuration = %+v", got)
	}
	if config.OS != "linux" || len(config.RootFS.DiffIDs) != 1 {
		t.Errorf("platform %q, %d layers in the configuration", config.OS, len(config.RootFS.DiffIDs))
	}
}

func TestBuildIsReproducible(t *testing.T) {
	digest := func(stamp time.Time) v1.Hash {
		source := filepath.Join(t.TempDir(), "source")
		if err := errors.Join(os.WriteFile(source, []byte("x"), 0o644), os.Chtimes(source, stamp, stamp)); err != nil {
			t.Fatal(err)
		}
		image, err := Build(t.Context(), Spec{Layers: []Layer{{Files: []File{{Path: "b", Source: source}, {Path: "a/c", Source: source}}}}})
		if err != nil {
			t.Fatal(err)
		}
		hash, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	first, second := digest(time.Unix(1, 0)), digest(time.Unix(2_000_000_000, 0))
	if first != second {
		t.Errorf("the same files gave %s and %s", first, second)
	}
}

func TestBuildRejects(t *testing.T) {
	for _, test := range []struct {
		name  string
		layer Layer
		want  string
	}{
		{"nothing", Layer{}, "either files or a tarball"},
		{"both", Layer{Tar: "x", Files: []File{{Path: "/a"}}}, "either files or a tarball"},
		{"a path twice", Layer{Files: []File{{Path: "/a"}, {Path: "a"}}}, "twice"},
		{"a missing source", Layer{Files: []File{{Path: "a", Source: "/does/not/exist"}}}, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Build(t.Context(), Spec{Layers: []Layer{test.layer}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

// entries lists the first layer of an image, one line an entry.
func entries(t *testing.T, image v1.Image) []string {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var lines []string
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		line := header.Name
		switch header.Typeflag {
		case tar.TypeSymlink:
			line += " -> " + header.Linkname
		case tar.TypeReg:
			data, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			line += "=" + string(data)
		}
		lines = append(lines, fmt.Sprintf("%s %o %d", line, header.Mode, header.Uid))
		if !header.ModTime.Equal(epoch) {
			t.Errorf("%s has time %s", header.Name, header.ModTime)
		}
	}
}
