package gobuild

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// filesBeside lists what lies beside the program in the image. A folder comes
// with all that is in it.
func filesBeside(o Options) ([]ociimage.File, error) {
	source, err := filepath.EvalSymlinks(o.Source)
	if err != nil {
		return nil, fmt.Errorf("opening source: %w", err)
	}
	var files []ociimage.File
	for _, name := range splitList(o.Files) {
		clean := path.Clean(name)
		if !filepath.IsLocal(clean) || clean == "." {
			return nil, fmt.Errorf("build.args.files has %q; it must be a file or folder below path, such as templates", name)
		}
		if _, err := os.Stat(filepath.Join(source, o.Path, clean)); err != nil {
			return nil, fmt.Errorf("build.args.files has %q, which is not in the source below path %q; correct the name, or remove it", name, o.Path)
		}
		found, err := listFiles(source, filepath.Join(source, o.Path), clean)
		if err != nil {
			return nil, fmt.Errorf("reading build.args.files: %w", err)
		}
		files = append(files, found...)
	}
	slices.SortFunc(files, func(a, b ociimage.File) int { return strings.Compare(a.Path, b.Path) })
	return slices.CompactFunc(files, func(a, b ociimage.File) bool { return a.Path == b.Path }), nil
}

// listFiles lists one file or folder. A link comes as the file that it leads to.
func listFiles(source, dir, name string) ([]ociimage.File, error) {
	top, err := filepath.EvalSymlinks(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	var files []ociimage.File
	err = filepath.WalkDir(top, func(full string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		file, err := fileAt(source, full, path.Join(name, strings.TrimPrefix(full, top)))
		files = append(files, file)
		return err
	})
	return files, err
}

func fileAt(source, full, inside string) (ociimage.File, error) {
	target, err := filepath.EvalSymlinks(full)
	if err != nil {
		return ociimage.File{}, fmt.Errorf("the link %s leads nowhere", inside)
	}
	if below, err := filepath.Rel(source, target); err != nil || !filepath.IsLocal(below) {
		return ociimage.File{}, fmt.Errorf("the link %s leads out of the source", inside)
	}
	info, err := os.Stat(target)
	if err != nil {
		return ociimage.File{}, err
	}
	if !info.Mode().IsRegular() {
		return ociimage.File{}, fmt.Errorf("the link %s leads to a folder; put the folder itself there", inside)
	}
	mode := fs.FileMode(0o644)
	if info.Mode()&0o100 != 0 {
		mode = 0o755
	}
	return ociimage.File{Path: path.Join(home, inside), Source: target, Mode: mode}, nil
}

// freeName is a name for the program that none of the files beside it has.
func freeName(name string, files []ociimage.File) string {
	taken := func(file ociimage.File) bool {
		first, _, _ := strings.Cut(strings.TrimPrefix(file.Path, home+"/"), "/")
		return first == name
	}
	for slices.ContainsFunc(files, taken) {
		name += "-program"
	}
	return name
}
