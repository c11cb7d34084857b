package event

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// recordVersion is the first byte of a record. Another form gets another number,
// and Decode goes on reading this one.
const recordVersion = 1

// minExtension is the fewest bytes that an extension takes in a record: the
// lengths of its name and value, and a name of one letter.
const minExtension = 3

// errCut is for a record that ends too early.
var errCut = errors.New("the record of the event is cut off")

// Append appends the event to dst as Headway's log keeps it:
//
//	version | length of head | head | data
//	head: id, source, type, subject, dataschema, datacontenttype, time,
//	      number of extensions, and of each its name and value
//
// Numbers and lengths of strings are varints. A record holds everything that
// is needed to read it, and nothing about the channel that it is in.
func (e *Event) Append(dst []byte) []byte {
	fields := e.fields()
	head := uvarintLen(uint64(len(e.Extensions)))
	for _, field := range fields {
		head += stringLen(*field)
	}
	for i := range e.Extensions {
		head += stringLen(e.Extensions[i].Name) + stringLen(e.Extensions[i].Value)
	}
	dst = append(dst, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(head))
	for _, field := range fields {
		dst = appendString(dst, *field)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Extensions)))
	for i := range e.Extensions {
		dst = appendString(dst, e.Extensions[i].Name)
		dst = appendString(dst, e.Extensions[i].Value)
	}
	return append(dst, e.Data...)
}

// Decode reads what Append wrote. Data of the event is a part of record, which
// must not be changed while the event is used. It checks the form of the record
// and not the event in it, as nothing but Append writes records.
func Decode(record []byte) (*Event, error) {
	if len(record) == 0 {
		return nil, errCut
	}
	if record[0] != recordVersion {
		return nil, fmt.Errorf("the record of the event has version %d; this program reads %d", record[0], recordVersion)
	}
	size, n := binary.Uvarint(record[1:])
	if n <= 0 || size > uint64(len(record)-1-n) {
		return nil, errCut
	}
	start := 1 + n
	end := start + int(size)
	// One string for the whole head: the attributes are parts of it.
	r := recordReader{text: string(record[start:end])}
	e := &Event{}
	for _, field := range e.fields() {
		*field = r.string()
	}
	if count := r.uvarint(); count > uint64(len(r.text)/minExtension) {
		return nil, errCut
	} else if count > 0 {
		e.Extensions = make([]Attribute, count)
	}
	for i := range e.Extensions {
		e.Extensions[i] = Attribute{Name: r.string(), Value: r.string()}
	}
	if r.cut {
		return nil, errCut
	}
	if r.text != "" {
		return nil, errors.New("the record of the event has bytes after its attributes")
	}
	if end < len(record) {
		e.Data = record[end:]
	}
	return e, nil
}

// fields are the attributes of CloudEvents itself in the order of a record.
func (e *Event) fields() [7]*string {
	return [...]*string{&e.ID, &e.Source, &e.Type, &e.Subject, &e.DataSchema, &e.DataContentType, &e.Time}
}

// recordReader takes values off the front of text. Once cut, all further values
// are zero.
type recordReader struct {
	text string
	cut  bool
}

func (r *recordReader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.text) && i < binary.MaxVarintLen64; i++ {
		b := r.text[i]
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.text = r.text[i+1:]
			return v
		}
	}
	r.text, r.cut = "", true
	return 0
}

func (r *recordReader) string() string {
	size := r.uvarint()
	if size > uint64(len(r.text)) {
		r.text, r.cut = "", true
		return ""
	}
	value := r.text[:size]
	r.text = r.text[size:]
	return value
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func stringLen(s string) int { return uvarintLen(uint64(len(s))) + len(s) }

// uvarintLen is how many bytes v takes as a varint.
func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
