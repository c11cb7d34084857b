// Package story remembers what became of events, for those who ask: when each was
// accepted and from whom, under which number of which channel, and how attempts to
// deliver it went.
//
// It promises that remembering costs the events nothing: a record is a copy into
// memory, which is written to disk within groupTime and without fsync, and what
// cannot be written is counted and forgotten. A story that is damaged or gone is
// begun anew, and the channels' events are entered again (Store.CatchUp). Memory
// and disk are bounded; the oldest part goes first, but a namespace with very many
// events does not push out those of others.
//
// It decides nothing: what an event's state is, eventing/query says from here and
// from the places of subscriptions.
//
// On disk it is a row of segments: a log of records, each with its checksum, and,
// once the log is full, an index beside it: the hash of each key and the offset of
// its record, sorted. A look-up reads a page of each index. That is a tenth of
// what a tree costs (docs/decisions/0016).
package story

import "time"

const (
	// groupTime is how long records wait in memory until they are written.
	groupTime = 50 * time.Millisecond
	// maxWaiting is how many bytes may wait: with a disk that does not keep up,
	// records are forgotten.
	maxWaiting = 8 << 20
	// segmentBytes is the size of a full log.
	segmentBytes = 4 << 20
	// maxBytes bounds all segments, without their indexes, which take a fifth of
	// that: some five million records.
	maxBytes = 384 << 20

	// maxText is the longest text in a record, in bytes.
	maxText = 300
	// maxRead is how many records of one event are read.
	maxRead = 10_000
)
