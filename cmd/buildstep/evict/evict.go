// Package evict keeps build caches within bounds: what was used the longest ago
// goes first.
//
// It promises to leave alone what was used within the last hour, and what a build
// has locked, and to touch nothing outside of the folder of a cache, whatever
// links a build has left there. It does not promise that the bounds hold at any
// time: a build can write more than them before it is called the next time.
package evict

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/headway-dev/headway/cmd/buildstep/cachelock"
)

// mostEntries is how many files of a cache are looked at one by one. Of a cache
// with more, what lies in its folder goes as a whole or not at all.
const mostEntries = 1_000_000

// Run removes what the limits leave no room for from the caches in the folders
// <namespace>/<name> below caches, and says on output what went.
func Run(caches string, limits Limits, now time.Time, output io.Writer) error {
	root, err := os.OpenRoot(caches)
	if err != nil {
		return fmt.Errorf("opening the volume of caches: %w", err)
	}
	defer root.Close()
	folders, err := fs.Glob(root.FS(), "*/*")
	if err != nil {
		return fmt.Errorf("listing the caches: %w", err)
	}
	var units []unit
	var failed []error // a cache that cannot be read keeps no other
	for _, folder := range folders {
		if info, err := root.Lstat(folder); err != nil || !info.IsDir() {
			continue
		}
		found, err := measure(root, folder, mostEntries)
		units = append(units, found...)
		if err != nil {
			failed = append(failed, fmt.Errorf("measuring the cache %s: %w", folder, err))
		}
	}
	byFolder := map[string][]unit{}
	for _, u := range choose(units, limits, now) {
		byFolder[u.folder] = append(byFolder[u.folder], u)
	}
	for folder, units := range byFolder {
		size, err := remove(root, folder, units)
		if size > 0 {
			fmt.Fprintf(output, "removed %.1f MiB of the cache %s\n", float64(size)/(1<<20), folder)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("removing from the cache %s: %w", folder, err))
		}
	}
	return errors.Join(failed...)
}

// measure lists what a cache consists of: the modules of Go, the states of
// BuildKit, and all other files one by one.
func measure(root *os.Root, folder string, most int) ([]unit, error) {
	cache, err := root.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer cache.Close()
	found, err := walk(cache, unitOf, most)
	if errors.Is(err, errTooMany) {
		found, err = walk(cache, topOf, math.MaxInt)
	}
	var units []unit
	for _, u := range found {
		u.folder = folder
		units = append(units, *u)
	}
	return units, err
}

var errTooMany = errors.New("too many files")

// walk measures the units of a cache, by their paths. of says which unit a file
// or folder belongs to, and whether that goes with all that is in it.
func walk(cache *os.Root, of func(string) (string, bool), most int) (map[string]*unit, error) {
	units := map[string]*unit{}
	entries := 0
	return units, fs.WalkDir(cache.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a build works here
			return nil
		}
		if err != nil {
			return err
		}
		if entries++; entries > most {
			return errTooMany
		}
		path, whole := of(name)
		if name == "." || isLock(name) || entry.IsDir() && !whole {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil // gone meanwhile
		}
		u := units[path]
		if u == nil {
			u = &unit{path: path}
			units[path] = u
		}
		u.size += onDisk(info)
		if info.ModTime().After(u.used) && (name == path || !isModule(path)) {
			u.used = info.ModTime()
		}
		return nil
	})
}

// onDisk is what a file takes of the disk, in bytes.
func onDisk(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512
	}
	return info.Size()
}

const (
	modules   = "go/mod/"
	downloads = modules + "cache/"
	states    = "buildkit/"
)

// isLock reports whether a file is one of those that keep builds and evictions
// apart.
func isLock(name string) bool {
	return name == cachelock.Name || strings.HasPrefix(name, states) && strings.HasSuffix(name, ".lock")
}

// unitOf gives the unit of a file: of Go's module cache the folder of a module,
// name@version, whose own time says when a build used it, and of BuildKit's
// states one of them. Every other file is for itself.
func unitOf(name string) (unit string, whole bool) {
	if state, ok := strings.CutPrefix(name, states); ok {
		number, _, _ := strings.Cut(state, "/")
		return states + number, true
	}
	if strings.HasPrefix(name, modules) && !strings.HasPrefix(name, downloads) {
		if at := strings.IndexByte(name, '@'); at >= 0 {
			version, _, _ := strings.Cut(name[at:], "/")
			return name[:at] + version, true
		}
	}
	return name, false
}

// isModule reports whether a unit is a module of Go.
func isModule(unit string) bool {
	_, whole := unitOf(unit)
	return whole && strings.HasPrefix(unit, modules)
}

// topOf is unitOf for a cache with too many files.
func topOf(name string) (unit string, whole bool) {
	if unit, whole := unitOf(name); strings.HasPrefix(name, states) {
		return unit, whole
	}
	top, _, _ := strings.Cut(name, "/")
	return top, top+"/" != states
}

// remove removes units of a cache that nobody builds with, and gives the bytes
// that went.
func remove(root *os.Root, folder string, units []unit) (size int64, err error) {
	cache, err := root.OpenRoot(folder)
	if err != nil {
		return 0, err
	}
	defer cache.Close()
	release, free, err := lock(cache, cachelock.Name)
	if err != nil || !free {
		return 0, err
	}
	defer release()
	var failed []error
	for _, u := range units {
		gone, err := removeUnit(cache, u)
		if err != nil {
			failed = append(failed, err)
		} else if gone {
			size += u.size
		}
	}
	return size, errors.Join(failed...)
}

// removeUnit removes a unit, unless it was used since it was measured.
func removeUnit(cache *os.Root, u unit) (bool, error) {
	if strings.HasPrefix(u.path, states) {
		release, free, err := lock(cache, u.path+".lock")
		if err != nil || !free {
			return false, err
		}
		defer release()
	} else if info, err := cache.Lstat(u.path); err != nil || info.ModTime().After(u.used) {
		return false, nil
	}
	if err := cache.RemoveAll(u.path); err != nil {
		return false, err
	}
	for dir := path.Dir(u.path); dir != "." && cache.Remove(dir) == nil; dir = path.Dir(dir) { // those that are empty now
	}
	return true, nil
}

// lock takes a lock of a cache, if nobody has it.
func lock(cache *os.Root, name string) (release func(), free bool, err error) {
	file, err := cache.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	free, err = cachelock.Alone(file)
	if err != nil || !free {
		_ = file.Close()
		return nil, false, err
	}
	return func() { _ = file.Close() }, true, nil
}
