package platform

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines/ociimage"
)

// fakeRegistry counts the requests that write.
func fakeRegistry(t *testing.T) (host string, writes *atomic.Int32) {
	t.Helper()
	writes = &atomic.Int32{}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writes.Add(1)
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), writes
}

func testAssembler(t *testing.T) *assembler {
	return &assembler{cache: t.TempDir(), options: Options{Progress: t.Logf}}
}

func fixed(img image) recipe {
	return func(context.Context, *assembler) (image, error) { return img, nil }
}

func TestPublishOnce(t *testing.T) {
	host, writes := fakeRegistry(t)
	// The name does not resolve; the address does.
	to, err := NewRegistry("registry.headway.local:5000/headway", host, true)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	listed := 0
	img := image{
		layers: []layer{
			{large: &largeLayer{key: "tree-1", list: func(context.Context, string) ([]ociimage.File, error) {
				listed++
				return []ociimage.File{{Path: "/tree/a", Data: []byte("a")}}, nil
			}}},
			{files: []ociimage.File{{Path: "/program", Mode: 0o755, Data: []byte("program")}}},
		},
		config: ociimage.Spec{Entrypoint: []string{"/program"}},
	}
	a := testAssembler(t)
	first, err := a.publish(t.Context(), to, "controller", fixed(img))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(first, "registry.headway.local:5000/headway/controller@sha256:") {
		t.Errorf("reference %s", first)
	}
	before := writes.Load()
	second, err := a.publish(t.Context(), to, "controller", fixed(img))
	if err != nil || second != first || writes.Load() != before {
		t.Errorf("the second time: %s, %v, %d writes", second, err, writes.Load()-before)
	}

	img.layers[1].files[0].Data = []byte("program 2")
	changed, err := a.publish(t.Context(), to, "controller", fixed(img))
	if err != nil || changed == first {
		t.Errorf("a changed program: %s, %v", changed, err)
	}
	if listed != 1 {
		t.Errorf("the large layer was packed %d times", listed)
	}
	// What the reference names can be pulled.
	ref, err := name.NewDigest(strings.Replace(changed, "registry.headway.local:5000", host, 1))
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if layers, err := pulled.Layers(); err != nil || len(layers) != 2 {
		t.Errorf("pulled %d layers, %v", len(layers), err)
	}
}

func TestNewLargeLayerReplacesOlder(t *testing.T) {
	a := testAssembler(t)
	list := func(context.Context, string) ([]ociimage.File, error) { return []ociimage.File{{Path: "/a"}}, nil }
	for _, key := range []string{"tree-1", "other-1", "tree-2"} {
		if _, err := a.tarball(t.Context(), largeLayer{key: key, list: list}); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(filepath.Join(a.cache, "layers"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if diff := cmp.Diff([]string{"other-1.tar.gz", "tree-2.tar.gz"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestKeyCoversEverything(t *testing.T) {
	source := filepath.Join(t.TempDir(), "source")
	write := func(content string) {
		if err := os.WriteFile(source, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	make := func() image {
		return image{
			layers: []layer{{files: []ociimage.File{{Path: "/a", Source: source}}}, {large: &largeLayer{key: "tree-1"}}},
			config: ociimage.Spec{User: nonRoot},
		}
	}
	changes := map[string]func(*image){
		"nothing":      func(*image) {},
		"path":         func(i *image) { i.layers[0].files[0].Path = "/b" },
		"mode":         func(i *image) { i.layers[0].files[0].Mode = 0o755 },
		"owner":        func(i *image) { i.layers[0].files[0].UID = 1 },
		"link":         func(i *image) { i.layers[0].files = append(i.layers[0].files, ociimage.File{Path: "/l", Link: "a"}) },
		"content":      func(*image) { write("two") },
		"user":         func(i *image) { i.config.User = "" },
		"environment":  func(i *image) { i.config.Env = []string{"A=b"} },
		"large layer":  func(i *image) { i.layers[1].large.key = "tree-2" },
		"fewer layers": func(i *image) { i.layers = i.layers[:1] },
	}
	seen := map[string]string{}
	for what, change := range changes {
		write("one")
		img := make()
		change(&img)
		key, err := img.key()
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[key]; twice {
			t.Errorf("%s and %s have the same key", what, other)
		}
		seen[key] = what
	}
}

func TestRegistryThatRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer server.Close()
	to, err := NewRegistry(strings.TrimPrefix(server.URL, "http://")+"/headway", "", false)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if _, there, err := to.find(t.Context(), Place{"controller", "1"}); err == nil || there {
		t.Errorf("a registry that refuses: there %v, %v", there, err)
	}
	for _, registry := range []string{"", "https://registry.example.com", "Registry.example.com/Headway"} {
		if _, err := NewRegistry(registry, "", false); err == nil {
			t.Errorf("registry %q is accepted", registry)
		}
	}
}

// The image is mounted into pods of apps: it brings its program and nothing else.
func TestParkImage(t *testing.T) {
	a := testAssembler(t)
	a.compiled = true
	img, err := park(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	want := []layer{{files: []ociimage.File{{Path: "/headway/park", Mode: 0o755, Source: filepath.Join(a.programFolder(), "park")}}}}
	if diff := cmp.Diff(want, img.layers, cmp.AllowUnexported(layer{})); diff != "" {
		t.Error(diff)
	}
	if path := v1alpha1.ParkPath + img.layers[0].files[0].Path; path != v1alpha1.ParkProgram {
		t.Errorf("pods run %s, and find %s", v1alpha1.ParkProgram, path)
	}
}

func TestToolchainFiles(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	for _, file := range []string{
		"VERSION", "bin/go", "pkg/tool/linux_amd64/compile", "src/fmt/print.go", "src/fmt/print_test.go",
		"src/fmt/testdata/a.go", "src/cmd/go/main.go", "test/fixedbugs/a.go", "doc/a.md",
	} {
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "os.go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(root, "src/os")); err != nil {
		t.Fatal(err)
	}
	files, err := toolchainFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		got = append(got, strings.TrimPrefix(file.Path, "/usr/local/go/"))
	}
	want := []string{"VERSION", "bin/go", "pkg/tool/linux_amd64/compile", "src/fmt/print.go", "src/os/os.go"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Two compilations give the same layer: the entries of Go's cache hold the time
// of the compilation, and that is all that differs.
func TestCachedEntriesHaveNoTime(t *testing.T) {
	folder := t.TempDir()
	action := strings.Repeat("a", 64)
	for path, content := range map[string]string{
		"00/" + action + "-a":                  "v1 " + action + " " + strings.Repeat("b", 64) + "                 1234  1763812345678901234\n",
		"00/" + strings.Repeat("b", 64) + "-d": "object",
		"README":                               "text",
		"trim.txt":                             "1763812345",
	} {
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := cacheFiles(folder)
	if err != nil {
		t.Fatal(err)
	}
	want := []ociimage.File{
		{Path: seedFolder + "/00/" + action + "-a", Data: []byte("v1 " + action + " " + strings.Repeat("b", 64) + "                 1234  1600000000000000000\n")},
		{Path: seedFolder + "/00/" + strings.Repeat("b", 64) + "-d", Source: filepath.Join(folder, "00", strings.Repeat("b", 64)+"-d")},
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
}

func TestParseLDD(t *testing.T) {
	output := `	linux-vdso.so.1 (0x00007f836b811000)
	libseccomp.so.2 => /lib/x86_64-linux-gnu/libseccomp.so.2 (0x00007f836b7e0000)
	libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f836b5fe000)
	libmissing.so.1 => not found
	/lib64/ld-linux-x86-64.so.2 (0x00007f836b813000)
`
	want := []string{"/lib/x86_64-linux-gnu/libseccomp.so.2", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"}
	if diff := cmp.Diff(want, parseLDD(output)); diff != "" {
		t.Error(diff)
	}
}

// TestCToolchain: the layer has all that a static program is made from, and
// everything in it is a file of this machine.
func TestCToolchain(t *testing.T) {
	layers, err := testAssembler(t).cToolchain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != 1 || layers[0].large == nil || !strings.HasPrefix(layers[0].large.key, "ctoolchain-") {
		t.Fatalf("layers %+v", layers)
	}
	files, err := layers[0].large.list(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Path)
		if file.Link != "" {
			file.Source = file.Link
		}
		if info, err := os.Stat(file.Source); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s: %v", file.Path, err)
		}
	}
	all := strings.Join(names, "\n") + "\n"
	for _, end := range []string{"/usr/bin/gcc", "/usr/bin/as", "/usr/bin/ld", "/cc1", "/collect2", "/libc.a", "/libm.a", "/libgcc_eh.a",
		"/crt1.o", "/crtbeginT.o", "/include/stddef.h", "/usr/include/stdio.h", "/usr/include/linux/types.h", "/libc.so.6"} {
		if !strings.Contains(all, end+"\n") {
			t.Errorf("%s is missing", end)
		}
	}
}

// TestNoCToolchain: a machine without a C compiler makes images all the same.
func TestNoCToolchain(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if layers, err := testAssembler(t).cToolchain(t.Context()); len(layers) != 0 || err != nil {
		t.Errorf("layers %+v, %v", layers, err)
	}
}
