package ociimage

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
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
		dir := t.TempDir()
		for _, file := range []string{"b", "a/c"} {
			full := filepath.Join(dir, file)
			if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(full, []byte(file), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(full, stamp, stamp); err != nil {
				t.Fatal(err)
			}
		}
		image, err := Build(t.Context(), Spec{Layers: []Layer{{Dir: dir}}})
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
		t.Errorf("the same tree gave %s and %s", first, second)
	}
}

func TestBuildRejects(t *testing.T) {
	for _, test := range []struct {
		name  string
		layer Layer
		want  string
	}{
		{"nothing", Layer{}, "exactly one"},
		{"two kinds", Layer{Tar: "x", Dir: "y"}, "exactly one"},
		{"a path twice", Layer{Files: []File{{Path: "/a"}, {Path: "a"}}}, "twice"},
		{"a missing source", Layer{Files: []File{{Path: "a", Source: "/does/not/exist"}}}, "no such file"},
		{"a missing folder", Layer{Dir: "/does/not/exist"}, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Build(t.Context(), Spec{Layers: []Layer{test.layer}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestPush(t *testing.T) {
	server := httptest.NewServer(registry.New())
	defer server.Close()
	endpoint := strings.TrimPrefix(server.URL, "http://")
	image, err := Build(t.Context(), Spec{Layers: []Layer{{Files: []File{{Path: "a", Data: []byte("x")}}}}})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := Tag(image)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second push finds everything there
		if err := Push(t.Context(), endpoint, "headway/a", tag, image); err != nil {
			t.Fatal(err)
		}
	}
	for reference, want := range map[string]bool{"headway/a:" + tag: true, "headway/a:other": false, "headway/b:" + tag: false} {
		if got, err := Exists(t.Context(), endpoint, reference); err != nil || got != want {
			t.Errorf("exists(%s) = %t, %v, want %t", reference, got, err, want)
		}
	}
	ref, err := name.ParseReference(endpoint+"/headway/a:"+tag, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a=x 644 0"}, entries(t, pulled)); diff != "" {
		t.Errorf("pulled entries (-want +got):\n%s", diff)
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
