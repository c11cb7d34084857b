// Package git reads remote repositories over smart HTTP and ssh into bare
// caches on disk, and pushes a commit to one where it is told to. It is the only
// user of go-git.
//
// It promises: one advertisement per look (the fetch of what moved uses the
// same session), depth-1 fetches of exactly the wanted commits, and a bound on
// everything a remote sends: time, bytes, size of one object, number of files,
// length and depth of their paths.
// What a remote sends is read by package intake, in a process of its own.
// Every failure is an *Error with a reason of api/v1alpha1 and a message that
// says what to do.
//
// A push moves one branch, from the commit that it was seen at and from no
// other, and is never forced. What became of one that failed is looked up, so
// that an answer which is lost does not count as a refusal.
//
// Submodules and LFS objects are brought when they are asked for, and the
// credentials of a repository go to its own server alone.
//
// It does not run the git program, has no work tree, runs no hook, and reads no
// git or ssh configuration of the machine.
package git

import "time"

// Limits bound what a remote can make this process do.
type Limits struct {
	// RefsBytes is the largest advertisement of refs.
	RefsBytes int64
	// PackBytes is the largest pack of one fetch.
	PackBytes int64
	// ObjectBytes is the largest file, uncompressed.
	ObjectBytes int64
	// IncomingBytes is what all fetches that are under way may bring onto the disk
	// together, beside a little for each.
	IncomingBytes int64
	// Memory is what reading takes of all Repositories together: packs, each in a
	// process of its own, and what is read from caches.
	Memory int64
	// CacheBytes is the size from which a cache is fetched afresh instead of
	// growing further.
	CacheBytes int64
	// PushBytes is the most that a commit of Headway's own may bring of files,
	// uncompressed.
	PushBytes int64
	// HistoryBytes is the most of a history that is read to see whether one
	// commit comes after another, uncompressed.
	HistoryBytes int64
	// Entries is the largest number of files and folders in one commit, and
	// PathBytes of the bytes of all their paths together. A few kilobytes of folders
	// that stand in each other can stand for any number of either.
	Entries   int
	PathBytes int64
	// RefsTimeout bounds connecting and reading the advertisement.
	RefsTimeout time.Duration
	// FetchTimeout bounds one fetch.
	FetchTimeout time.Duration
	// PushTimeout bounds one push, with the hooks that the server runs.
	PushTimeout time.Duration
}

// DefaultLimits are generous for source code: 1 GiB for a repository, 256 MiB
// for one file, half a million files, half a minute for an answer. A push is
// small: it is held in memory, and the commits of 64 MiB are some 250,000.
func DefaultLimits() Limits {
	return Limits{
		RefsBytes:     32 << 20,
		PackBytes:     1 << 30,
		ObjectBytes:   256 << 20,
		IncomingBytes: 4 << 30,
		Memory:        544 << 20,
		CacheBytes:    1 << 30,
		PushBytes:     32 << 20,
		HistoryBytes:  64 << 20,
		Entries:       500_000,
		PathBytes:     32 << 20,
		RefsTimeout:   30 * time.Second,
		FetchTimeout:  10 * time.Minute,
		PushTimeout:   2 * time.Minute,
	}
}
