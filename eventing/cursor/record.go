package cursor

import (
	"encoding/binary"
	"errors"
	"math"
)

// Entry is an event that is to be tried again.
type Entry struct {
	// Attempts so far.
	Attempts uint32
	// Status of the last answer; 0: there was none.
	Status uint16
	// First is when the first attempt began, Due when the next one may, in
	// milliseconds since 1970.
	First, Due int64
	// Dead is why it is given up on, where only its dead letter waits for room in a
	// channel; else empty.
	Dead string
}

// head is what is kept of a place beside its ranges and entries.
type head struct {
	floor                     uint64
	delivered, filtered, dead uint64
	removed                   int64 // when, in milliseconds since 1970; 0: it is not
	channel                   string
	run                       run // of a redrive or a replay
}

// version is the first byte of every record but the head of a run.
const (
	version    = 1
	versionRun = 2
)

var (
	errVersion = errors.New("a record of another version")
	errRecord  = errors.New("a damaged record")
)

func (h head) encode() []byte {
	b := []byte{version}
	for _, n := range []uint64{h.floor, h.delivered, h.filtered, h.dead} {
		b = binary.AppendUvarint(b, n)
	}
	b = binary.AppendVarint(b, h.removed)
	if r := h.run; r.begun {
		b[0] = versionRun
		b = binary.AppendUvarint(binary.AppendUvarint(b, r.to), r.gone)
		b = binary.AppendVarint(binary.AppendVarint(b, r.started), r.finished)
		b = append(binary.AppendUvarint(b, uint64(len(r.note))), r.note...)
	}
	return append(b, h.channel...)
}

func decodeHead(b []byte) (head, error) {
	isRun := len(b) > 0 && b[0] == versionRun
	if isRun {
		b = append([]byte{version}, b[1:]...)
	}
	r, err := opened(b)
	if err != nil {
		return head{}, err
	}
	h := head{floor: r.uint(), delivered: r.uint(), filtered: r.uint(), dead: r.uint(), removed: r.int()}
	if isRun {
		h.run = run{begun: true, to: r.uint(), gone: r.uint(), started: r.int(), finished: r.int()}
		h.run.note = r.text(r.uint())
	}
	h.channel = string(r.rest)
	return h, r.err
}

func (e Entry) encode() []byte {
	b := binary.AppendUvarint([]byte{version}, uint64(e.Attempts))
	b = binary.AppendUvarint(b, uint64(e.Status))
	b = binary.AppendVarint(b, e.First)
	b = binary.AppendVarint(b, e.Due)
	return append(b, e.Dead...)
}

func decodeEntry(b []byte) (Entry, error) {
	r, err := opened(b)
	if err != nil {
		return Entry{}, err
	}
	attempts, status := r.uint(), r.uint()
	e := Entry{Attempts: uint32(attempts), Status: uint16(status), First: r.int(), Due: r.int()}
	if r.err != nil {
		return Entry{}, r.err
	}
	if attempts > math.MaxUint32 || status > math.MaxUint16 {
		return Entry{}, errRecord
	}
	e.Dead = string(r.rest)
	return e, nil
}

// encodeEnd is the value of a range, whose key has its begin.
func encodeEnd(to uint64) []byte { return binary.AppendUvarint([]byte{version}, to) }

func decodeEnd(b []byte) (uint64, error) {
	r, err := opened(b)
	if err != nil {
		return 0, err
	}
	to := r.uint()
	if r.err == nil && len(r.rest) > 0 {
		return 0, errRecord
	}
	return to, r.err
}

// reader takes numbers off a record; after an error all of them are 0.
type reader struct {
	rest []byte
	err  error
}

func opened(b []byte) (*reader, error) {
	if len(b) == 0 {
		return nil, errRecord
	}
	if b[0] != version {
		return nil, errVersion
	}
	return &reader{rest: b[1:]}, nil
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.rest)
	r.skip(size)
	return n
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.rest)
	r.skip(size)
	return n
}

func (r *reader) text(length uint64) string {
	if length > uint64(len(r.rest)) {
		r.err, r.rest = errRecord, nil
		return ""
	}
	s := string(r.rest[:length])
	r.rest = r.rest[length:]
	return s
}

func (r *reader) skip(size int) {
	if size <= 0 {
		r.err, r.rest = errRecord, nil
		return
	}
	r.rest = r.rest[size:]
}

// length is a number of bytes, or of things that take one each at least, that are
// still there.
func (r *reader) length() uint64 {
	n := r.uint()
	if n > uint64(len(r.rest))+1 {
		r.err, r.rest = errRecord, nil
		return 0
	}
	return n
}

// bytes are the next n; nil if they are not there.
func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.err, r.rest = errRecord, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}
