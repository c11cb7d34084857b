package story

import (
	"io"
	"os"

	"k8s.io/apimachinery/pkg/types"
)

// record is an *Accepted or an *Attempt.
type record interface {
	append(b []byte) []byte
	// entries lead to the record at an offset of its log.
	entries(offset int) []entry
	// of is the channel, and the number of the event in it if it is its first record,
	// else 0.
	of() (channel types.NamespacedName, seq uint64)
}

func (a *Accepted) of() (types.NamespacedName, uint64) { return a.Channel, a.Seq }
func (t *Attempt) of() (types.NamespacedName, uint64)  { return t.Channel, 0 }

func (a *Accepted) entries(offset int) []entry {
	return []entry{{short(a.id), uint32(offset)}, {keyOfPlace(a.Channel, a.Seq), uint32(offset)}}
}

func (t *Attempt) entries(offset int) []entry {
	return []entry{{keyOfPlace(t.Channel, t.Seq), uint32(offset)}}
}

// contents are what there is to know of a log without reading it.
type contents struct {
	entries []entry
	// newest are the highest sequence numbers of channels, bytes the sizes of what
	// there is of namespaces.
	newest map[types.NamespacedName]uint64
	bytes  map[string]int64
}

func newContents() contents {
	return contents{newest: map[types.NamespacedName]uint64{}, bytes: map[string]int64{}}
}

// note takes in a record of so many bytes at an offset.
func (c *contents) note(r record, offset, size int) {
	c.entries = append(c.entries, r.entries(offset)...)
	channel, seq := r.of()
	if seq > 0 {
		c.newest[channel] = max(c.newest[channel], seq)
	}
	c.bytes[channel.Namespace] += int64(size)
}

// each calls f with the records of a log, up to the first one that is damaged: where
// the next one begins is not known then. One that is whole and cannot be understood
// is passed over.
func each(log *os.File, f func(r record, offset, size int)) error {
	b, err := io.ReadAll(io.NewSectionReader(log, 0, segmentBytes+maxRecord))
	if err != nil {
		return err
	}
	for offset := 0; ; {
		payload, err := payloadOf(b[offset:])
		if err != nil {
			return nil
		}
		size := frameHead + len(payload)
		switch accepted, attempt, err := decode(payload); {
		case err != nil:
		case accepted != nil:
			f(accepted, offset, size)
		default:
			f(attempt, offset, size)
		}
		offset += size
	}
}
