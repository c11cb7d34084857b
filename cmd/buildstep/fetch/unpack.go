package fetch

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// unpack writes the entries of a tar.gz below dest. All writing goes through
// os.Root, which follows no path out of dest whatever the archive says; the
// checks here are for clear messages.
//
// Files get the time of unpacking: Go's build cache takes a package with an
// old, known time and size for unchanged.
func unpack(archive io.Reader, dest string, limits Limits) error {
	root, err := os.OpenRoot(dest)
	if err != nil {
		return err
	}
	defer root.Close()
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("the artifact is not a tar.gz: %w", err)
	}
	// Headers and padding take at most 4 KiB an entry; a stream that is longer
	// than that and the files is no artifact within the limits.
	bounded := &io.LimitedReader{R: unzipped, N: limits.Bytes + int64(limits.Entries+1)*4096}
	u := unpacker{root: root, bytesLeft: limits.Bytes, limits: limits}
	reader := tar.NewReader(bounded)
	for count := 0; ; count++ {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the artifact: %w", err)
		}
		if count >= limits.Entries {
			return fmt.Errorf("the artifact has more than %d entries", limits.Entries)
		}
		if err := u.entry(header, reader); err != nil {
			return err
		}
	}
	// What follows the archive's end mark must be read for the checksum.
	if _, err := io.Copy(io.Discard, bounded); err != nil {
		return fmt.Errorf("reading the artifact: %w", err)
	}
	if bounded.N == 0 {
		return errors.New("the artifact unpacks to more than its files")
	}
	return u.checkLinks()
}

type unpacker struct {
	root      *os.Root
	limits    Limits
	bytesLeft int64
	links     []string
}

func (u *unpacker) entry(header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name := path.Clean(header.Name)
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(header.Name) {
		return fmt.Errorf("the entry %q lies outside the artifact", header.Name)
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return u.root.MkdirAll(name, 0o755)
	case tar.TypeReg:
		return u.file(name, header, content)
	case tar.TypeSymlink:
		return u.link(name, header.Linkname)
	default:
		return fmt.Errorf("the entry %q is neither a file nor a folder nor a symbolic link", header.Name)
	}
}

func (u *unpacker) file(name string, header *tar.Header, content io.Reader) error {
	u.bytesLeft -= header.Size
	if u.bytesLeft < 0 {
		return fmt.Errorf("the files of the artifact are larger than %d bytes in all", u.limits.Bytes)
	}
	mode := fs.FileMode(0o644)
	if header.Mode&0o100 != 0 {
		mode = 0o755
	}
	file, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}

func (u *unpacker) link(name, target string) error {
	if path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(name), target)) {
		return outside(name, target)
	}
	u.links = append(u.links, name)
	return u.root.Symlink(target, name)
}

// checkLinks refuses links that leave the artifact by way of other links, or
// lead in a circle, which can only be seen when all are there. A link to
// nothing is harmless.
func (u *unpacker) checkLinks() error {
	for _, name := range u.links {
		_, err := u.root.Stat(name)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		target, _ := u.root.Readlink(name)
		if errors.Is(err, syscall.ELOOP) {
			return fmt.Errorf("the symbolic link %q points to %q and leads in a circle, or through too many links; make it lead to a file", name, strings.ToValidUTF8(target, "?"))
		}
		return outside(name, target)
	}
	return nil
}

func outside(name, target string) error {
	return fmt.Errorf("the symbolic link %q points to %q, outside the artifact", name, strings.ToValidUTF8(target, "?"))
}
