// Package artifact keeps source tarballs under the hash of their bytes and
// serves them to build pods over HTTP.
//
// It promises that equal files give equal bytes, that a file under a digest is
// complete, that it stays while the caller says so, that equal tarballs are
// stored once, and that all of them never take more of the disk than a quota.
//
// Tarballs are compressed on disk and, for clients that take it, on the wire.
// The digest is that of the tarball before that: what a compressor emits
// differs between versions, and a Revision keeps its digest for good.
//
// It checks no identity: a digest is known to whoever may read the Revision.
// Readers check the digest.
package artifact

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	tempPrefix = "incoming-"
	// extension of a tarball's name on disk, where it is compressed.
	extension = ".gz"
	algorithm = "sha256:"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Store is a folder of artifacts. Safe for concurrent use.
type Store struct {
	dir   string
	quota int64

	lock sync.Mutex
	// used are the bytes of all files in dir, unfinished ones too.
	used int64
}

// NewStore opens the store in dir, which need not exist, and removes what an
// interrupted write left behind. The quota, in bytes, is for all artifacts as
// they are on disk.
func NewStore(dir string, quota int64) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the artifact store: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing artifacts: %w", err)
	}
	s := &Store{dir: dir, quota: quota}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tempPrefix) {
			if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
				return nil, fmt.Errorf("cleaning the artifact store: %w", err)
			}
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("measuring artifacts: %w", err)
		}
		s.used += info.Size()
	}
	return s, nil
}

// Add stores what write writes and returns its digest, sha256:<hex>. It fails
// with a *FullError when that takes more than room bytes on disk, or more than
// the store has left. After an error nothing is left of it.
func (s *Store) Add(room int64, write func(io.Writer) error) (digest string, err error) {
	file, err := os.CreateTemp(s.dir, tempPrefix)
	if err != nil {
		return "", fmt.Errorf("creating an artifact: %w", err)
	}
	m := &meter{to: file, store: s, room: room}
	defer func() {
		_ = file.Close()
		if os.Remove(file.Name()) == nil { // not there any more when all went well
			s.take(-m.written)
		}
	}()
	// What compresses best is not worth its time: a push waits for this.
	compressed, err := gzip.NewWriterLevel(m, gzip.BestSpeed)
	if err != nil {
		return "", fmt.Errorf("creating an artifact: %w", err)
	}
	hash := sha256.New()
	if err := write(io.MultiWriter(compressed, hash)); err != nil {
		return "", err
	}
	if err := errors.Join(compressed.Close(), file.Close()); err != nil {
		return "", fmt.Errorf("writing an artifact: %w", err)
	}
	digest = algorithm + hex.EncodeToString(hash.Sum(nil))
	if s.keepAnother(digest, time.Now()) {
		return digest, nil
	}
	if err := os.Rename(file.Name(), s.path(digest)); err != nil {
		return "", fmt.Errorf("storing artifact %s: %w", digest, err)
	}
	return digest, nil
}

// keepAnother reports whether an artifact is there already, and has Clean take
// it for new.
func (s *Store) keepAnother(digest string, now time.Time) bool {
	return os.Chtimes(s.path(digest), now, now) == nil
}

// Has reports whether an artifact is here.
func (s *Store) Has(digest string) bool {
	_, found := s.size(digest)
	return found
}

// Size is how many bytes of the disk an artifact takes; 0 if it is not here.
func (s *Store) Size(digest string) int64 {
	size, _ := s.size(digest)
	return size
}

func (s *Store) size(digest string) (int64, bool) {
	if !digestForm.MatchString(digest) {
		return 0, false
	}
	info, err := os.Stat(s.path(digest))
	if err != nil {
		return 0, false
	}
	return info.Size(), true
}

// Used are the bytes that all artifacts take.
func (s *Store) Used() int64 {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.used
}

// take counts n bytes more, if the quota has them.
func (s *Store) take(n int64) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	if n > 0 && s.used+n > s.quota {
		return false
	}
	s.used += n
	return true
}

// Clean removes the artifacts last written before a time, except those that
// keep names, and returns how many it removed.
func (s *Store) Clean(keep map[string]bool, before time.Time) (int, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, fmt.Errorf("listing artifacts: %w", err)
	}
	removed := 0
	var failed []error // one that cannot be removed keeps no other
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tempPrefix) || keep[algorithm+strings.TrimSuffix(entry.Name(), extension)] {
			continue
		}
		info, err := entry.Info()
		if err == nil && !info.ModTime().Before(before) {
			continue
		}
		if err == nil {
			err = os.Remove(filepath.Join(s.dir, entry.Name()))
		}
		if err == nil {
			removed++
			s.take(-info.Size())
		} else if !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, fmt.Errorf("removing artifact %s: %w", entry.Name(), err))
		}
	}
	return removed, errors.Join(failed...)
}

func (s *Store) path(digest string) string {
	return filepath.Join(s.dir, strings.TrimPrefix(digest, algorithm)+extension)
}
