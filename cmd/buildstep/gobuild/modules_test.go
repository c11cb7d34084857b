package gobuild

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
	"github.com/headway-dev/headway/deploy/local/gitserver"
)

// forge is a git server with a password at http://git.example.test, which says by
// its pages, as forges do, where the repository of a module is.
func forge(t *testing.T) {
	t.Helper()
	git, err := gitserver.New(gitserver.Options{Root: t.TempDir(), User: "ci", Password: "secret", URLs: []string{"http://git.example.test"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(git.Close)
	// The Go command and git reach the host by a proxy, which is the server.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect:
			http.Error(w, "no TLS here", http.StatusMethodNotAllowed)
		case r.URL.Query().Get("go-get") == "1":
			fmt.Fprintf(w, `<meta name="go-import" content="git.example.test%s git http://git.example.test%[1]s.git">`, r.URL.Path)
		default:
			git.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	for _, name := range []string{"http_proxy", "https_proxy"} {
		t.Setenv(name, server.URL)
	}
	t.Setenv("GOINSECURE", "git.example.test")
}

// publish pushes a module to the forge as v1.0.0.
func publish(t *testing.T, name string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for file, content := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, arguments := range []string{"init -q -b main", "add .", "-c user.name=a -c user.email=a@example.test commit -q -m First", "tag v1.0.0",
		"push -q http://ci:secret@git.example.test/" + name + ".git main v1.0.0"} {
		cmd := exec.CommandContext(t.Context(), "git", strings.Fields(arguments)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", arguments, err, out)
		}
	}
}

// private is a program with a private module, whose repository is on the forge.
func private(t *testing.T) Options {
	t.Helper()
	forge(t)
	publish(t, "acme/words", map[string]string{
		"go.mod": "module git.example.test/acme/words\n\ngo 1.24\n", "words.go": "package words\n\nconst Hello = \"hello\"\n",
	})
	o := options(t, map[string]string{
		"go.mod":  "module example.com/shop\n\ngo 1.24\n\nrequire git.example.test/acme/words v1.0.0\n",
		"main.go": "package main\n\nimport \"git.example.test/acme/words\"\n\nfunc main() { print(words.Hello) }\n",
		"go.sum": "git.example.test/acme/words v1.0.0 h1:lxYJKS/mMRVS6eaUVSiAFpNoROmdPXKePM+F36eCClU=\n" +
			"git.example.test/acme/words v1.0.0/go.mod h1:FWp5vccrXtJ5jSKGsjhd5CeLjvdcnsC4+GuJfz30Rww=\n",
	})
	o.Modules = filepath.Join(filepath.Dir(o.Image), "modules")
	// Neither the modules of this machine nor a proxy's.
	own := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(own, "go"), 0o755), os.Symlink(filepath.Join(cacheDir, "go", "build"), filepath.Join(own, "go", "build"))); err != nil {
		t.Fatal(err)
	}
	o.Cache = own
	t.Setenv("GOPROXY", "off")
	return o
}

func moduleOptions(t *testing.T, o Options, netrc string) ModuleOptions {
	t.Helper()
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	return ModuleOptions{Source: o.Source, Path: o.Path, Private: "git.example.test/acme", Home: home, Temp: t.TempDir(), Target: o.Modules, Output: t.Output()}
}

// TestPrivateModules: one step fetches what the other compiles with, and only
// the first has the credentials.
func TestPrivateModules(t *testing.T) {
	o := private(t)
	if err := FetchModules(t.Context(), moduleOptions(t, o, "machine git.example.test login ci password secret\n")); err != nil {
		t.Fatal(err)
	}
	if got := output(t, o); got != "hello" {
		t.Errorf("the program printed %q", got)
	}
	err := filepath.WalkDir(filepath.Dir(o.Image), func(name string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if strings.Contains(string(content), "password secret") {
			t.Errorf("%s holds the credentials", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPrivateModulesWithoutCredentials(t *testing.T) {
	o := private(t)
	for name, netrc := range map[string]string{
		"wrong password": "machine git.example.test login ci password other",
		"another host":   "machine git.example.com login ci password secret",
	} {
		t.Run(name, func(t *testing.T) {
			err := FetchModules(t.Context(), moduleOptions(t, o, netrc))
			failed := new(tool.Failed)
			if !errors.As(err, &failed) || !strings.HasPrefix(failed.Cause, "git.example.test/acme/words@v1.0.0: invalid version: fatal: ") ||
				!strings.Contains(failed.Cause, "http://git.example.test") || !strings.HasSuffix(failed.Cause, "; spec.modules of the Repository names the Secret with the credentials: correct it, and run headway retry") {
				t.Errorf("error = %v", err)
			}
		})
	}
	t.Run("no spec.modules", func(t *testing.T) {
		t.Setenv("GOPROXY", "direct")
		if err := Build(t.Context(), o); err == nil || !strings.Contains(err.Error(), "git.example.test/acme/words") || !strings.Contains(err.Error(), "name a Secret for its server in spec.modules of the Repository") {
			t.Errorf("error = %v", err)
		}
	})
}

// TestPrivateModulesOf: what is fetched is read from the files that the Go
// command would go by.
func TestPrivateModulesOf(t *testing.T) {
	const acme = "git.example.test/acme/"
	requires := func(lines ...string) string { return "module m\n\ngo 1.24\n\n" + strings.Join(lines, "\n") + "\n" }
	for _, test := range []struct {
		name, path string
		files      map[string]string
		want       []string
		err        string
	}{
		{name: "only those that match", files: map[string]string{"go.mod": requires("require "+acme+"a v1.0.0", "require "+acme+"b v1.2.0 // indirect", "require example.com/c v1.0.0")},
			want: []string{acme + "a@v1.0.0", acme + "b@v1.2.0"}},
		{name: "above path", path: "services/shop", files: map[string]string{"go.mod": requires("require " + acme + "a v1.0.0"), "services/shop/main.go": ""},
			want: []string{acme + "a@v1.0.0"}},
		{name: "replaced", files: map[string]string{"go.mod": requires("require "+acme+"a v1.0.0", "require "+acme+"b v1.0.0", "require example.com/c v1.0.0",
			"replace "+acme+"a => ../a", "replace "+acme+"b v1.0.1 => ./b", "replace example.com/c => "+acme+"fork v0.1.0")},
			want: []string{acme + "b@v1.0.0", acme + "fork@v0.1.0"}},
		{name: "a workspace", path: "shop", files: map[string]string{
			"go.work":     "go 1.24\n\nuse (\n\t./shop\n\t./lib\n\t./gone\n)\n\nreplace " + acme + "b => ./b\n",
			"shop/go.mod": requires("require "+acme+"a v1.0.0", "require "+acme+"b v1.0.0"),
			"lib/go.mod":  requires("require "+acme+"a v1.0.0", "require "+acme+"c v1.1.0")},
			want: []string{acme + "a@v1.0.0", acme + "c@v1.1.0"}},
		{name: "vendored", files: map[string]string{"go.mod": requires("require " + acme + "a v1.0.0"), "vendor/modules.txt": ""}},
		{name: "no module", files: map[string]string{"main.go": mainGo}},
		{name: "broken", path: "shop", files: map[string]string{"shop/go.mod": "module m\nrequire (\n"}, err: "shop/go.mod:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(t, test.files)
			got, err := privateModules(ModuleOptions{Source: o.Source, Path: cmp.Or(test.path, "."), Private: "git.example.test/acme"})
			if test.err != "" || err != nil {
				if err == nil || test.err == "" || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error = %v, want %q", err, test.err)
				}
				return
			}
			if diff := gocmp.Diff(test.want, got); diff != "" {
				t.Errorf("modules (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a link out of the source", func(t *testing.T) {
		o := options(t, map[string]string{"main.go": mainGo})
		if err := os.Symlink("/etc/passwd", filepath.Join(o.Source, "go.mod")); err != nil {
			t.Fatal(err)
		}
		if _, err := privateModules(ModuleOptions{Source: o.Source, Path: ".", Private: "example.com"}); err == nil || !strings.Contains(err.Error(), "go.mod") {
			t.Errorf("error = %v", err)
		}
	})
}
