package platform

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// headerPackages are the Debian packages with the headers of the C library and
// of the kernel.
var headerPackages = []string{"libc6-dev", "linux-libc-dev"}

// cToolchain is the layer with this machine's C compiler and what a static
// program is linked from, for Go programs that use C. A machine that has none
// gives no layer; the build step then refuses such programs.
func (a *assembler) cToolchain(ctx context.Context) ([]layer, error) {
	for _, program := range []string{"gcc", "as", "ld", "ldd", "dpkg-query"} {
		if _, err := exec.LookPath(program); err != nil {
			a.options.Progress("no %s on this machine: builds of Go programs that use C will be refused", program)
			return nil, nil
		}
	}
	packages, err := run(ctx, nil, "/", "dpkg-query", append([]string{"--show"}, headerPackages...)...)
	if err != nil {
		a.options.Progress("not all of %v on this machine: builds of Go programs that use C will be refused", headerPackages)
		return nil, nil
	}
	inputs := []string{packages}
	for _, program := range []string{"gcc", "as"} {
		version, err := run(ctx, nil, "/", program, "--version")
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, version)
	}
	return []layer{{large: &largeLayer{key: largeKey("ctoolchain", inputs), list: cToolchainFiles}}}, nil
}

// cToolchainFiles lists the files under the names that they have here, since
// the compiler knows its parts by them.
func cToolchainFiles(ctx context.Context, _ string) ([]ociimage.File, error) {
	programs, links, err := cPrograms(ctx)
	if err != nil {
		return nil, err
	}
	libraries, err := cLibraries(ctx)
	if err != nil {
		return nil, err
	}
	headers, err := run(ctx, nil, "/", "dpkg-query", append([]string{"--listfiles"}, headerPackages...)...)
	if err != nil {
		return nil, err
	}
	names := slices.Concat(programs, libraries)
	for _, name := range strings.Fields(headers) {
		if strings.HasPrefix(name, "/usr/include/") {
			names = append(names, name)
		}
	}
	files := links
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("reading the C compiler: %w", err)
		}
		if info.Mode().IsRegular() {
			files = append(files, ociimage.File{Path: name, Mode: info.Mode().Perm(), Source: name})
		}
	}
	return files, nil
}

// cPrograms are the compiler, assembler and linker with the shared libraries
// that they run on, and the links under which they are called.
func cPrograms(ctx context.Context) (programs []string, links []ociimage.File, err error) {
	for _, name := range []string{"gcc", "as", "ld"} {
		found, err := exec.LookPath(name)
		if err != nil {
			return nil, nil, err
		}
		program, err := filepath.EvalSymlinks(found)
		if err != nil {
			return nil, nil, err
		}
		programs = append(programs, program)
		if link := path.Join("/usr/bin", name); link != program {
			links = append(links, ociimage.File{Path: link, Link: program})
		}
	}
	parts, err := gccFiles(ctx, "-print-prog-name=", "cc1", "collect2", "lto-wrapper")
	if err != nil {
		return nil, nil, err
	}
	plugin, err := gccFiles(ctx, "-print-file-name=", "liblto_plugin.so")
	if err != nil {
		return nil, nil, err
	}
	programs = slices.Concat(programs, parts, plugin)
	libraries, err := libraries(ctx, programs)
	if err != nil {
		return nil, nil, err
	}
	return append(programs, libraries...), links, nil
}

// cLibraries are the objects and archives of a static program, and the
// compiler's own headers.
func cLibraries(ctx context.Context) ([]string, error) {
	found, err := gccFiles(ctx, "-print-file-name=", "crt1.o", "crti.o", "crtn.o", "crtbeginT.o", "crtend.o",
		"libgcc.a", "libgcc_eh.a", "libc.a", "libpthread.a", "libdl.a", "librt.a", "libresolv.a", "libutil.a")
	if err != nil {
		return nil, err
	}
	// libm.a may be a script that names others.
	math, err := filepath.Glob(filepath.Join(filepath.Dir(found[7]), `libm[.v\-]*a`))
	if err != nil {
		return nil, err
	}
	headers, err := filepath.Glob(filepath.Join(filepath.Dir(found[5]), "include", "*.h"))
	if err != nil {
		return nil, err
	}
	return slices.Concat(found, math, headers), nil
}

// gccFiles asks the compiler where its parts are.
func gccFiles(ctx context.Context, question string, names ...string) ([]string, error) {
	var found []string
	for _, name := range names {
		answer, err := run(ctx, nil, "/", "gcc", question+name)
		if err != nil {
			return nil, err
		}
		file := filepath.Clean(strings.TrimSpace(answer))
		if !filepath.IsAbs(file) {
			return nil, fmt.Errorf("the C compiler of this machine has no %s: install the packages gcc and libc6-dev, or remove gcc", name)
		}
		found = append(found, file)
	}
	return found, nil
}
