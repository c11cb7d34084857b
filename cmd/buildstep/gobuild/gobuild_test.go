package gobuild

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
)

const mainGo = "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"

// options write a source tree and return the options of a build in it.
func options(t *testing.T, files map[string]string) Options {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, "source", name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	temp := filepath.Join(dir, "temp")
	if err := os.Mkdir(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	return Options{
		Source: filepath.Join(dir, "source"), Path: ".", Main: ".", Cache: cacheDir,
		Temp: temp, Image: filepath.Join(dir, "image"), Output: t.Output(),
	}
}

// cacheDir leads to the caches of this machine, so that the standard library is
// not compiled for each run of the tests.
var cacheDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gobuild-test-")
	if err != nil {
		panic(err)
	}
	machine, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		panic(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "go"), 0o755),
		os.Symlink(strings.TrimSpace(string(machine)), filepath.Join(dir, "go", "build"))); err != nil {
		panic(err)
	}
	cacheDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func module(extra map[string]string) map[string]string {
	files := map[string]string{"go.mod": "module example.com/shop\n\ngo 1.24\n"}
	for name, content := range extra {
		files[name] = content
	}
	return files
}

func TestBuild(t *testing.T) {
	o := options(t, module(map[string]string{"cmd/shop/main.go": mainGo}))
	o.Main = "./cmd/shop"
	if err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	image, err := ocilayout.Read(o.Image)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		Entrypoint: []string{"/app/shop"}, User: "65532:65532", WorkingDir: "/app",
		Env: []string{"PATH=/app", "ZONEINFO=/usr/share/zoneinfo.zip"},
	}
	if diff := cmp.Diff(want, config.Config); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	base, app := layerFiles(t, image, 0), layerFiles(t, image, 1)
	if !strings.Contains(string(base["etc/passwd"]), "nonroot:x:65532") || len(base["usr/share/zoneinfo.zip"]) == 0 {
		t.Errorf("base layer lacks users or time zones")
	}
	if len(base["etc/ssl/certs/ca-certificates.crt"]) == 0 {
		t.Error("base layer lacks certificate authorities")
	}
	program := filepath.Join(t.TempDir(), "shop")
	if err := os.WriteFile(program, app["app/shop"], 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program).Output(); err != nil || string(out) != "hello\n" {
		t.Errorf("the program printed %q, %v", out, err)
	}
}

// TestBuildIsReproducible builds one module in two places: the second build
// has another folder and nothing of the first but the cache.
func TestBuildIsReproducible(t *testing.T) {
	var digests []string
	for range 2 {
		o := options(t, module(map[string]string{"main.go": mainGo}))
		if err := Build(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		image, err := ocilayout.Read(o.Image)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("one source gave %v", digests)
	}
}

// TestBuildSeesModulesAbove is the form of a monorepo: the module file and a
// shared library lie outside the build context.
func TestBuildSeesModulesAbove(t *testing.T) {
	o := options(t, module(map[string]string{
		"libs/words/words.go":      "package words\n\nconst Hello = \"hello\"\n",
		"services/greeter/main.go": strings.Replace(strings.Replace(mainGo, `"fmt"`, "(\"fmt\"\n\"example.com/shop/libs/words\")", 1), `"hello"`, "words.Hello", 1),
	}))
	o.Path = "services/greeter"
	if err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	image, err := ocilayout.Read(o.Image)
	if err != nil {
		t.Fatal(err)
	}
	if len(layerFiles(t, image, 1)["app/greeter"]) == 0 {
		t.Error("the image has no /app/greeter")
	}
}

func TestBuildFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		files  map[string]string
		change func(*Options)
		want   string // part of the error
	}{
		{"syntax", module(map[string]string{"main.go": mainGo + "oops\n"}), func(*Options) {}, "./main.go:6:1: syntax error"},
		{"no module", map[string]string{"main.go": mainGo}, func(*Options) {}, "go.mod file not found"},
		{"no such package", module(map[string]string{"main.go": mainGo}), func(o *Options) { o.Main = "./cmd/x" }, "cmd/x"},
		{"a library", module(map[string]string{"lib/lib.go": "package lib\n"}), func(o *Options) { o.Main = "lib" }, "lib is not a main package; set build.args.main"},
		{"main outside", module(map[string]string{"main.go": mainGo}), func(o *Options) { o.Main = "../x" }, "must be a folder below path"},
		{"path outside", module(map[string]string{"main.go": mainGo}), func(o *Options) { o.Path = "../x" }, "lies outside the source"},
		{"no such module", module(map[string]string{"main.go": strings.Replace(mainGo, `"fmt"`, "(\"example.com/words\"; \"fmt\")", 1)}), func(*Options) {},
			"main.go:3:9: no required module provides package example.com/words; to add it: go get example.com/words"},
		{"no such path", module(map[string]string{"main.go": mainGo}), func(o *Options) { o.Path = "x" }, `path "x" is not a folder`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(t, test.files)
			var output bytes.Buffer
			o.Output = &output
			test.change(&o)
			err := Build(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, said %q, want %q", err, output.String(), test.want)
			}
			if _, err := os.Stat(o.Image); err == nil {
				t.Error("an image was written")
			}
		})
	}
}

func TestBuildStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Build(ctx, options(t, module(map[string]string{"main.go": mainGo}))); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestProgramName(t *testing.T) {
	for _, test := range []struct{ path, pkg, want string }{
		{".", ".", "app"}, {"services/shop", ".", "shop"}, {".", "./cmd/server", "server"}, {"services/shop", "./cmd/server", "server"},
	} {
		if got := programName(test.path, test.pkg); got != test.want {
			t.Errorf("programName(%q, %q) = %q, want %q", test.path, test.pkg, got, test.want)
		}
	}
}

// output builds a program and runs it without any file of this machine but its
// own.
func output(t *testing.T, o Options) string {
	t.Helper()
	if err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	image, err := ocilayout.Read(o.Image)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, layerFiles(t, image, 1)["app/app"], 0o755); err != nil {
		t.Fatal(err)
	}
	if libraries, err := exec.CommandContext(t.Context(), "/usr/bin/ldd", program).Output(); err == nil {
		t.Errorf("the program needs libraries:\n%s", libraries)
	}
	out, err := exec.CommandContext(t.Context(), program).CombinedOutput()
	if err != nil {
		t.Fatalf("running the program: %v", err)
	}
	return string(out)
}

// layerFiles reads the regular files of a layer.
func layerFiles(t *testing.T, image v1.Image, n int) map[string][]byte {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[n].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	files := map[string][]byte{}
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}
