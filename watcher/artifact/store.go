// Package artifact keeps source tarballs under the hash of their bytes and
// serves them to build pods over HTTP.
//
// It promises that equal files give equal bytes, that a file under a digest is
// complete, and that it stays while the caller says so. It checks no identity:
// a digest is known to whoever may read the Revision. Readers check the digest.
package artifact

import (
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
	"time"
)

const (
	tempPrefix = "incoming-"
	suffix     = ".tar.gz"
	algorithm  = "sha256:"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Store is a folder of artifacts. Safe for concurrent use.
type Store struct {
	dir string
}

// NewStore opens the store in dir, which need not exist, and removes what an
// interrupted write left behind.
func NewStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the artifact store: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("cleaning the artifact store: %w", err)
	}
	for _, file := range left {
		if err := os.Remove(file); err != nil {
			return nil, fmt.Errorf("cleaning the artifact store: %w", err)
		}
	}
	return &Store{dir: dir}, nil
}

// Add stores what write writes and returns its digest, sha256:<hex>.
func (s *Store) Add(write func(io.Writer) error) (string, error) {
	file, err := os.CreateTemp(s.dir, tempPrefix)
	if err != nil {
		return "", fmt.Errorf("creating an artifact: %w", err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name()) // not there any more when all went well
	}()
	hash := sha256.New()
	if err := write(io.MultiWriter(file, hash)); err != nil {
		return "", err
	}
	if err := file.Close(); err != nil {
		return "", fmt.Errorf("writing an artifact: %w", err)
	}
	digest := algorithm + hex.EncodeToString(hash.Sum(nil))
	if err := os.Rename(file.Name(), s.path(digest)); err != nil {
		return "", fmt.Errorf("storing artifact %s: %w", digest, err)
	}
	return digest, nil
}

// Has reports whether an artifact is here.
func (s *Store) Has(digest string) bool {
	if !digestForm.MatchString(digest) {
		return false
	}
	_, err := os.Stat(s.path(digest))
	return err == nil
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
		hash, isArtifact := strings.CutSuffix(entry.Name(), suffix)
		if !isArtifact || keep[algorithm+hash] {
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
		} else if !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, fmt.Errorf("removing artifact %s: %w", entry.Name(), err))
		}
	}
	return removed, errors.Join(failed...)
}

func (s *Store) path(digest string) string {
	return filepath.Join(s.dir, strings.TrimPrefix(digest, algorithm)+suffix)
}
