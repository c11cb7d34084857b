package static

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
)

// options write a source tree; a content that begins with "-> " makes a link.
func options(t *testing.T, files map[string]string) Options {
	t.Helper()
	dir := t.TempDir()
	server := filepath.Join(dir, "server")
	if err := os.WriteFile(server, []byte("server"), 0o755); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "source")
	for name, content := range files {
		full := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(target, full)
		} else {
			err = os.WriteFile(full, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return Options{Source: source, Path: ".", Server: server, Image: filepath.Join(dir, "image"), Output: t.Output()}
}

func TestBuild(t *testing.T) {
	for _, test := range []struct {
		name      string
		files     map[string]string
		path, dir string
		want      []string // entries below /site
	}{
		{"the path itself", map[string]string{
			"index.html": "x", "css/a.css": "x", ".git/config": "x", ".env": "x", ".well-known/security.txt": "x",
			"headway.yaml": "x", "css/headway.yaml": "x", "latest.css": "-> css/a.css",
		}, ".", "", []string{"/.well-known/", "/.well-known/security.txt", "/css/", "/css/a.css", "/css/headway.yaml", "/index.html", "/latest.css -> css/a.css"}},
		{"dir", map[string]string{"dist/index.html": "x", "public/index.html": "x"}, ".", "dist", []string{"/index.html"}},
		{"path and dir", map[string]string{"web/dist/index.html": "x", "index.html": "x"}, "web", "./dist/", []string{"/index.html"}},
		{"a repository's own files", map[string]string{
			"index.html": "x", "README.md": "x", "LICENSE": "x", "licence.txt": "x", "CONTRIBUTING": "x", "notes.md": "x",
			"package.json": "x", "package-lock.json": "x", "Makefile": "x", "Dockerfile": "x", "Dockerfile.dev": "x", "docker-compose.yml": "x",
			"license.html": "x", "robots.txt": "x", "security.txt": "x", "readme/index.html": "x", "posts/one.md": "x",
		}, ".", "", []string{"/index.html", "/license.html", "/posts/", "/posts/one.md", "/readme/", "/readme/index.html", "/robots.txt", "/security.txt"}},
		{"the same of a folder in a monorepo", map[string]string{"web/index.html": "x", "web/README.md": "x"}, "web", "", []string{"/index.html"}},
		{"a folder that was named is published whole", map[string]string{"index.html": "x", "README.md": "x", ".env": "x"}, ".", ".", []string{"/README.md", "/index.html"}},
		{"a linked folder", map[string]string{"dist": "-> out", "out/index.html": "x"}, ".", "dist", []string{"/index.html"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(t, test.files)
			o.Path, o.Dir = test.path, test.dir
			if err := Build(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, siteEntries(t, o.Image)); diff != "" {
				t.Errorf("site (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	index := map[string]string{"index.html": "x"}
	for _, test := range []struct {
		name      string
		files     map[string]string
		path, dir string
		want      string
	}{
		{"no such folder", index, ".", "dist", `"dist" is not a folder of the source; set build.args.dir`},
		{"a file", index, ".", "index.html", "is not a folder"},
		{"outside", index, ".", "../..", "is not a folder"},
		{"path outside", index, "..", "", "is not a folder"},
		{"a link outside", map[string]string{"index.html": "x", "dist": "-> /etc"}, ".", "dist", "is not a folder"},
		{"a file linked outside", map[string]string{"index.html": "x", "passwd": "-> /etc/passwd"}, ".", "", "the link passwd does not lead"},
		{"a file linked above", map[string]string{"web/index.html": "x", "secret": "x", "web/s": "-> ../secret"}, "web", "", "the link s does not lead"},
		{"nothing to serve", map[string]string{"dist/.keep": ""}, ".", "dist", `no files to serve in "dist"`},
		{"only files that are no part of a site", map[string]string{"README.md": "x"}, ".", "", `no files to serve in "."`},
		{"a name that is not UTF-8", map[string]string{"index.html": "x", "img/caf\xe9.png": "x"}, ".", "", `the name of "img/caf\xe9.png" is not UTF-8, so that no browser asks for it; rename the file`},
		{"a folder whose name is not UTF-8", map[string]string{"index.html": "x", "\xe9/a.png": "x"}, ".", "", `the name of "\xe9" is not UTF-8`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(t, test.files)
			o.Path, o.Dir = test.path, test.dir
			err := Build(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestServerCommand(t *testing.T) {
	for fallback, want := range map[string]string{
		"":             "/staticserver /site",
		"index.html":   "/staticserver --fallback=index.html /site",
		"/app/a.html":  "/staticserver --fallback=app/a.html /site",
		"./index.html": "/staticserver --fallback=index.html /site",
		"200.html":     `build.args.fallback is "200.html", which is not among the files that are served`,
		".env":         `build.args.fallback is ".env", which is not among`,
		"../secret":    `build.args.fallback is "../secret", which is not among`,
	} {
		o := options(t, map[string]string{"index.html": "x", "app/a.html": "x", ".env": "x"})
		o.Fallback = fallback
		got := ""
		if err := Build(t.Context(), o); err != nil {
			got = err.Error()
		} else {
			got = strings.Join(entrypoint(t, o.Image), " ")
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("fallback %q: %s, want %s", fallback, got, want)
		}
	}
}

func entrypoint(t *testing.T, dir string) []string {
	t.Helper()
	image, err := ocilayout.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config.Config.Entrypoint
}

// siteEntries lists the upper layer and checks the rest of the image.
func siteEntries(t *testing.T, dir string) []string {
	t.Helper()
	image, err := ocilayout.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.Entrypoint[0] != "/staticserver" || config.Config.User != "65532:65532" {
		t.Errorf("configuration: %+v", config.Config)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 2 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	content, err := layers[1].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	var names []string
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(header.Name, "site")
		if header.Linkname != "" {
			name += " -> " + header.Linkname
		}
		if name != "/" {
			names = append(names, name)
		}
	}
}
