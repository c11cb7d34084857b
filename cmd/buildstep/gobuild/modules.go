package gobuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	gomodule "golang.org/x/mod/module"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// ModuleOptions say which private modules are fetched, and with what.
type ModuleOptions struct {
	// Source is the folder of the unpacked artifact, Path the build context in
	// it; "." is the whole.
	Source, Path string
	// Private are patterns of module paths, separated by commas, in the form of
	// GOPRIVATE.
	Private string
	// Home is the folder with the file .netrc, which has the credentials.
	Home string
	// Temp is a folder for scratch files.
	Temp string
	// Target is the folder that takes the modules, in the form of a module
	// proxy. It must not exist yet.
	Target string
	// Output takes what the Go command prints.
	Output io.Writer
}

// FetchModules downloads the private modules that the program's go.mod or
// go.work names, straight from their git servers.
//
// Nothing of the source is run, and no cache that a build can write is used: a
// go.mod names the modules, and the Go command fetches them in an empty folder.
// Whether they are what go.sum says is seen when the program is compiled.
func FetchModules(ctx context.Context, o ModuleOptions) error {
	wanted, err := privateModules(o)
	if err != nil {
		return err
	}
	downloads := filepath.Join(o.Temp, "mod", "cache", "download")
	if err := os.MkdirAll(downloads, 0o755); err != nil {
		return fmt.Errorf("making room for modules: %w", err)
	}
	if len(wanted) == 0 {
		fmt.Fprintf(o.Output, "no module that matches %s\n", o.Private)
	} else if err := o.download(ctx, wanted); err != nil {
		return err
	}
	return os.Rename(downloads, o.Target)
}

func (o ModuleOptions) download(ctx context.Context, wanted []string) error {
	empty := filepath.Join(o.Temp, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		return fmt.Errorf("making an empty folder: %w", err)
	}
	authorities, err := trusted(o.Temp)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Output, "fetching %s\n", strings.Join(wanted, ", "))
	cmd := exec.CommandContext(ctx, "go", append([]string{"mod", "download"}, wanted...)...)
	cmd.Dir = empty
	cmd.Env = append(os.Environ(), "HOME="+o.Home, "GOENV=off", "GOWORK=off", "GOFLAGS=-modcacherw",
		"GOPRIVATE="+o.Private, "GONOPROXY="+o.Private, "GONOSUMDB="+o.Private,
		"GOPATH="+filepath.Join(o.Temp, "go"), "GOMODCACHE="+filepath.Join(o.Temp, "mod"), "GOCACHE="+filepath.Join(o.Temp, "build"),
		"TMPDIR="+o.Temp, "GIT_TEMPLATE_DIR=", "GIT_ALLOW_PROTOCOL=https:http", "GIT_SSL_CAINFO="+authorities)
	return tool.Run(ctx, cmd, o.Output, &moduleCause{})
}

// privateModules lists what is to be fetched, as path@version.
func privateModules(o ModuleOptions) ([]string, error) {
	root, err := os.OpenRoot(o.Source) // no link leads out of it
	if err != nil {
		return nil, fmt.Errorf("opening the source: %w", err)
	}
	defer root.Close()
	files, replaced, err := moduleFiles(root.FS(), o.Path)
	if err != nil {
		return nil, err
	}
	var wanted []string
	for _, file := range files {
		for _, require := range file.Require {
			m := replacement(require.Mod, slices.Concat(replaced, file.Replace))
			if m.Version != "" && gomodule.MatchPrefixPatterns(o.Private, m.Path) {
				wanted = append(wanted, m.String())
			}
		}
	}
	slices.Sort(wanted)
	return slices.Compact(wanted), nil
}

// moduleFiles are the go.mod files that a program in the folder is built by,
// and the replacements of its go.work: those of the nearest folder that has
// either. A vendored program has all it needs.
func moduleFiles(source fs.FS, folder string) ([]*modfile.File, []*modfile.Replace, error) {
	for _, name := range []string{"go.work", "go.mod"} {
		for dir := path.Clean(folder); ; dir = path.Dir(dir) {
			_, err := fs.Stat(source, path.Join(dir, "vendor/modules.txt"))
			vendored := err == nil
			content, err := fs.ReadFile(source, path.Join(dir, name))
			switch {
			case err == nil && vendored:
				return nil, nil, nil
			case err == nil && name == "go.mod":
				file, err := modfile.Parse(path.Join(dir, name), content, nil)
				return []*modfile.File{file}, nil, err
			case err == nil:
				return workspaceFiles(source, dir, content)
			case !errors.Is(err, fs.ErrNotExist):
				return nil, nil, fmt.Errorf("reading %s: %w", path.Join(dir, name), err)
			}
			if dir == "." {
				break
			}
		}
	}
	return nil, nil, nil // the step that compiles says it better
}

func workspaceFiles(source fs.FS, dir string, content []byte) ([]*modfile.File, []*modfile.Replace, error) {
	work, err := modfile.ParseWork(path.Join(dir, "go.work"), content, nil)
	if err != nil {
		return nil, nil, err
	}
	var files []*modfile.File
	for _, use := range work.Use {
		name := path.Join(dir, filepath.ToSlash(use.Path), "go.mod")
		content, err := fs.ReadFile(source, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // as above
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", name, err)
		}
		file, err := modfile.Parse(name, content, nil)
		if err != nil {
			return nil, nil, err
		}
		files = append(files, file)
	}
	return files, work.Replace, nil
}

// replacement is what takes a module's place; one on disk has no version.
func replacement(m gomodule.Version, by []*modfile.Replace) gomodule.Version {
	for _, replace := range by {
		if replace.Old.Path == m.Path && (replace.Old.Version == "" || replace.Old.Version == m.Version) {
			return replace.New
		}
	}
	return m
}

// trusted is a file with all certificate authorities of SSL_CERT_DIR, which git
// does not read.
func trusted(temp string) (string, error) {
	var bundle []byte
	for dir := range strings.SplitSeq(os.Getenv("SSL_CERT_DIR"), ":") {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			if content, err := os.ReadFile(file); err == nil {
				bundle = append(append(bundle, content...), '\n')
			}
		}
	}
	if len(bundle) == 0 {
		return "", nil // git's own
	}
	name := filepath.Join(temp, "authorities.pem")
	return name, os.WriteFile(name, bundle, 0o644)
}

// moduleCause is why a module could not be fetched with the credentials.
type moduleCause struct{ firstError }

func (c *moduleCause) String() string {
	return strings.TrimPrefix(calling.ReplaceAllString(c.text, ""), "go: ") +
		"; spec.modules of the Repository names the Secret with the credentials: correct it, and run headway retry"
}
