package git

import (
	"regexp"
	"strconv"
	"strings"
)

// Pointer is what Git LFS keeps in a repository in the place of a file.
type Pointer struct {
	// OID is the SHA-256 of the file's content, in hex.
	OID string `json:"oid"`
	// Size of the file in bytes.
	Size int64 `json:"size"`
}

// MaxPointer is the size in bytes from which a file is no pointer.
const MaxPointer = 1024

var (
	pointerOID  = regexp.MustCompile(`(?m)^oid sha256:([0-9a-f]{64})$`)
	pointerSize = regexp.MustCompile(`(?m)^size (\d{1,18})$`)
)

// ParsePointer reads a pointer, in the form of
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md; false for any
// other file.
func ParsePointer(data []byte) (Pointer, bool) {
	text := string(data)
	if len(text) >= MaxPointer || !strings.HasPrefix(text, "version https://git-lfs.github.com/spec/v1\n") {
		return Pointer{}, false
	}
	oid, size := pointerOID.FindStringSubmatch(text), pointerSize.FindStringSubmatch(text)
	if oid == nil || size == nil {
		return Pointer{}, false
	}
	n, err := strconv.ParseInt(size[1], 10, 64)
	return Pointer{OID: oid[1], Size: n}, err == nil
}
