package story

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"hash/fnv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Accepted is an event that a channel has taken.
type Accepted struct {
	Channel types.NamespacedName
	Seq     uint64
	At      time.Time
	// By is the sender, as WithSender has named it; "" if that is not known: it was
	// found in the channel after a crash.
	By string
	id [16]byte
}

// Verdict is what followed from an attempt.
type Verdict byte

// The verdicts.
const (
	Delivered Verdict = iota + 1
	Again             // it is tried again
	Dead              // it was given up on
)

// Attempt is a delivery that has ended.
type Attempt struct {
	Channel      types.NamespacedName
	Seq          uint64
	Subscription types.NamespacedName
	// Number counts from 1.
	Number int
	// At is when it began, Took how long it was under way.
	At   time.Time
	Took time.Duration
	// Status of the answer; 0: there was none.
	Status int
	// Said is how it ended, for people.
	Said string
	// Revision of the app that has answered; "" if nobody said so.
	Revision string
	Verdict  Verdict
	// Next is when it is tried again, if it is.
	Next time.Time
	// Reason why it is given up on, and DeadLetter the channel that has it then;
	// "" is none.
	Reason, DeadLetter string
	// Run is the redrive or the replay that the attempt belongs to, as
	// <subscription>~redrive~<name>; "" is none.
	Run string
}

// Worth reports whether an attempt is remembered: the first ones, then ever fewer,
// those that ended in another way than the one before, and the last one. So that
// an event that fails for days takes twenty records.
func Worth(number int, verdict Verdict, changed bool) bool {
	return number <= 8 || number&(number-1) == 0 || verdict != Again || changed
}

// A record is its length and the CRC-32 of what follows, then its kind and its
// fields: varints, and strings with their lengths.
const (
	frameHead = 8
	// maxRecord is more than the longest one.
	maxRecord = 4 << 10

	kindAccepted = 'a'
	kindAttempt  = 't'
)

// keyOfID is by what an id is found in a namespace: nobody can make another one
// with the same.
func keyOfID(namespace, id string) (key [16]byte) {
	h := sha256.New()
	_, _ = h.Write([]byte(namespace))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(id))
	copy(key[:], h.Sum(nil))
	return key
}

func short(id [16]byte) uint64 { return binary.BigEndian.Uint64(id[:]) }

// keyOfPlace is by what the records of an event in a channel are found.
func keyOfPlace(channel types.NamespacedName, seq uint64) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(channel.Namespace))
	_, _ = h.Write([]byte{'/'})
	_, _ = h.Write([]byte(channel.Name))
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, seq))
	return h.Sum64()
}

// frame appends a record that body writes.
func frame(b []byte, body func([]byte) []byte) []byte {
	start := len(b)
	b = body(append(b, make([]byte, frameHead)...))
	payload := b[start+frameHead:]
	binary.LittleEndian.PutUint32(b[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[start+4:], crc32.ChecksumIEEE(payload))
	return b
}

func (a *Accepted) append(b []byte) []byte {
	return frame(b, func(b []byte) []byte {
		b = append(b, kindAccepted)
		b = append(b, a.id[:]...)
		b = appendPlace(b, a.Channel, a.Seq)
		b = binary.AppendVarint(b, a.At.UnixMilli())
		return appendText(b, a.By)
	})
}

func (t *Attempt) append(b []byte) []byte {
	return frame(b, func(b []byte) []byte {
		b = append(b, kindAttempt)
		b = appendPlace(b, t.Channel, t.Seq)
		b = appendName(b, t.Subscription)
		b = binary.AppendUvarint(b, uint64(max(t.Number, 0)))
		b = binary.AppendVarint(b, t.At.UnixMilli())
		b = binary.AppendVarint(b, t.Took.Microseconds())
		b = binary.AppendVarint(b, int64(t.Status))
		b = append(b, byte(t.Verdict))
		b = binary.AppendVarint(b, millis(t.Next))
		for _, text := range []string{t.Said, t.Revision, t.Reason, t.DeadLetter, t.Run} {
			b = appendText(b, text)
		}
		return b
	})
}

func appendPlace(b []byte, channel types.NamespacedName, seq uint64) []byte {
	return binary.AppendUvarint(appendName(b, channel), seq)
}

func appendName(b []byte, name types.NamespacedName) []byte {
	return appendText(appendText(b, name.Namespace), name.Name)
}

func appendText(b []byte, text string) []byte {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// millis is 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

var errDamaged = errors.New("a damaged record of the story")

// payloadOf checks the record at the front of b and returns it without its frame.
func payloadOf(b []byte) ([]byte, error) {
	if len(b) < frameHead {
		return nil, errDamaged
	}
	size := binary.LittleEndian.Uint32(b)
	if size == 0 || size > maxRecord || int(size) > len(b)-frameHead {
		return nil, errDamaged
	}
	payload := b[frameHead : frameHead+size]
	if binary.LittleEndian.Uint32(b[4:]) != crc32.ChecksumIEEE(payload) {
		return nil, errDamaged
	}
	return payload, nil
}

// decode reads a record: one of the two is not nil, unless there is an error.
func decode(payload []byte) (*Accepted, *Attempt, error) {
	r := reader{rest: payload}
	switch kind := r.byte(); kind {
	case kindAccepted:
		var a Accepted
		copy(a.id[:], r.take(len(a.id)))
		a.Channel, a.Seq = r.name(), r.uint()
		a.At = time.UnixMilli(r.int()).UTC()
		a.By = r.text()
		return &a, nil, r.err()
	case kindAttempt:
		var t Attempt
		t.Channel, t.Seq, t.Subscription = r.name(), r.uint(), r.name()
		t.Number = int(r.uint())
		t.At = time.UnixMilli(r.int()).UTC()
		t.Took = time.Duration(r.int()) * time.Microsecond
		t.Status = int(r.int())
		t.Verdict = Verdict(r.byte())
		t.Next = moment(r.int())
		for _, text := range []*string{&t.Said, &t.Revision, &t.Reason, &t.DeadLetter, &t.Run} {
			*text = r.text()
		}
		return nil, &t, r.err()
	}
	return nil, nil, errDamaged
}

// reader takes fields off a record; after an error all of them are zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) err() error {
	if r.bad {
		return errDamaged
	}
	return nil
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		size = -1
	}
	r.take(size)
	return n
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		size = -1
	}
	r.take(size)
	return n
}

func (r *reader) text() string {
	n := r.uint()
	if n > maxRecord {
		r.bad, r.rest = true, nil
		return ""
	}
	return string(r.take(int(n)))
}

func (r *reader) name() types.NamespacedName {
	return types.NamespacedName{Namespace: r.text(), Name: r.text()}
}
