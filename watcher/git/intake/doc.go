// Package intake takes packs into a cache: it checks them against bounds,
// indexes them, and resolves what they hold as deltas, in a process of its own
// for each.
//
// It promises that whatever a pack does, it ends: with what it held, or with a
// *Problem that says which bound is passed. Memory and time of the process are
// bounded by the kernel, and it ends with the one that started it. The memory
// follows from the pack: one object at a time is held, and only of those that
// are deltas.
//
// What it leaves in a cache is cheap to read: an object that is made of more than
// ChainBytes of deltas and what they are against is stored whole.
//
// It does not speak to remotes and does not look at what is in files.
package intake

import (
	"fmt"
	"syscall"
)

// Bounds are how much a pack may hold.
type Bounds struct {
	// Objects in one pack.
	Objects int
	// ObjectBytes of one file, uncompressed, and FolderBytes of one folder, commit
	// or tag.
	ObjectBytes, FolderBytes int64
	// ExpandedBytes of all objects, uncompressed. Past FreeBytes of them, the pack
	// may not be Ratio times smaller.
	ExpandedBytes, FreeBytes, Ratio int64
	// Memory is the most that the process may be given, in bytes.
	Memory int64
}

// DefaultBounds are generous for source code, which compresses to a fifth or a
// tenth: a million objects, 256 MiB for a file, 8 MiB for a folder (some 100,000
// names), 4 GiB in all, and past 512 MiB no more than 100 times the size of the
// pack.
func DefaultBounds() Bounds {
	return Bounds{
		Objects:       1_000_000,
		ObjectBytes:   256 << 20,
		FolderBytes:   8 << 20,
		ExpandedBytes: 4 << 30,
		FreeBytes:     512 << 20,
		Ratio:         100,
		Memory:        448 << 20,
	}
}

// Kind tells problems apart.
type Kind string

// Kinds of problems.
const (
	// TooLarge: the pack passes a bound.
	TooLarge Kind = "TooLarge"
	// Malformed: it is none, or was cut.
	Malformed Kind = "Malformed"
	// Incomplete: it has deltas against objects that neither it nor the cache has.
	Incomplete Kind = "Incomplete"
	// Disk: the cache cannot be written; Errno says why.
	Disk Kind = "Disk"
	// Died: the process came to its end before it could answer.
	Died Kind = "Died"
)

// Problem is why a pack is not taken.
type Problem struct {
	Kind    Kind
	Message string
	Errno   syscall.Errno `json:",omitempty"`
}

func (p *Problem) Error() string { return p.Message }

// Unwrap gives the cause of a problem with the disk.
func (p *Problem) Unwrap() error {
	if p.Errno != 0 {
		return p.Errno
	}
	return nil
}

func tooLarge(format string, args ...any) *Problem {
	return &Problem{Kind: TooLarge, Message: fmt.Sprintf(format, args...)}
}

func malformed(err error) *Problem {
	return &Problem{Kind: Malformed, Message: "the pack cannot be read: " + err.Error()}
}

// mib prints bytes as a person reads them.
func mib(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d MiB", n>>20)
}
