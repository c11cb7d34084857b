// Package fetch brings a source artifact into a build pod: it downloads the
// tarball, checks its digest, and unpacks it.
//
// It promises that nothing of an artifact is looked at before the digest is
// right, that no file lands outside the target folder, and that neither a
// large nor a highly compressed artifact fills the disk. It sends no
// credentials.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// Artifact is what to fetch.
type Artifact struct {
	// URL of a tar.gz.
	URL string
	// Digest of the tar.gz, sha256:<hex>.
	Digest string
}

// Limits bound what an artifact may hold.
type Limits struct {
	// Download is the largest tar.gz in bytes.
	Download int64
	// Bytes is the largest sum of the sizes of all files.
	Bytes int64
	// Entries is the largest number of files, folders and links.
	Entries int
}

// DefaultLimits leave room above the 1 GiB of files that the watcher puts into
// an artifact.
var DefaultLimits = Limits{Download: 2 << 30, Bytes: 2 << 30, Entries: 500_000}

const (
	// patience is how long a missing artifact or an unreachable server is
	// asked again: a watcher that takes over makes its artifacts anew.
	patience = 60 * time.Second
	// firstPause doubles after each attempt up to longestPause.
	firstPause, longestPause = 100 * time.Millisecond, 2 * time.Second
)

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Fetch downloads, checks and unpacks an artifact into dest, which must not
// exist yet. After an error dest does not exist either. The download waits in a
// file beside dest.
func Fetch(ctx context.Context, client *http.Client, artifact Artifact, dest string, limits Limits) error {
	if !digestPattern.MatchString(artifact.Digest) {
		return fmt.Errorf("the source digest %q is not of the form sha256:<64 hex digits>", artifact.Digest)
	}
	file, err := os.CreateTemp(filepath.Dir(dest), ".artifact-*")
	if err != nil {
		return fmt.Errorf("making room for the source: %w", err)
	}
	defer os.Remove(file.Name())
	defer file.Close()
	if err := downloadPatiently(ctx, client, artifact, file, limits.Download); err != nil {
		return fmt.Errorf("fetching source: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading source: %w", err)
	}
	if err := os.Mkdir(dest, 0o755); err != nil {
		return fmt.Errorf("making source folder: %w", err)
	}
	if err := unpack(file, dest, limits); err != nil {
		return errors.Join(fmt.Errorf("unpacking source: %w", err), os.RemoveAll(dest))
	}
	return nil
}

// downloadPatiently tries until it worked, the error is final, or patience is
// over.
func downloadPatiently(ctx context.Context, client *http.Client, artifact Artifact, file *os.File, limit int64) error {
	deadline := time.Now().Add(patience)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := download(ctx, client, artifact, file, limit)
		if err == nil || !errors.As(err, new(*tool.Passing)) {
			return err
		}
		if time.Now().Add(pause).After(deadline) {
			return fmt.Errorf("giving up after %s: %w", patience, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// download writes the artifact into the file, from its start, and compares the
// digest of what was written.
func download(ctx context.Context, client *http.Client, artifact Artifact, file *os.File, limit int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, artifact.URL, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return &tool.Passing{Err: err}
	}
	defer response.Body.Close()
	refused := fmt.Errorf("%s answered %s", artifact.URL, response.Status)
	switch status := response.StatusCode; {
	case status == http.StatusNotFound, status == http.StatusTooManyRequests, status >= 500:
		return &tool.Passing{Err: refused} // not there yet, or a problem of the server that may pass
	case status != http.StatusOK:
		return refused
	}
	if err := file.Truncate(0); err != nil { // of an attempt before
		return err
	}
	sum := sha256.New()
	written, err := io.Copy(io.MultiWriter(io.NewOffsetWriter(file, 0), sum), io.LimitReader(response.Body, limit+1))
	if err != nil {
		return &tool.Passing{Err: fmt.Errorf("reading %s: %w", artifact.URL, err)}
	}
	if written > limit {
		return fmt.Errorf("the artifact is larger than %d bytes", limit)
	}
	if got := "sha256:" + hex.EncodeToString(sum.Sum(nil)); got != artifact.Digest {
		return fmt.Errorf("the artifact has digest %s, expected %s", got, artifact.Digest)
	}
	return nil
}
