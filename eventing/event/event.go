// Package event is one CloudEvents 1.0 event as Headway carries it: read from
// HTTP, kept in the log of a channel, filtered, and written to HTTP again. It
// promises that an event which passes Validate comes out as it went in, data
// byte for byte, and that it can be delivered: whatever is in an attribute can
// be written as a header.
//
// The parser is Headway's own, as the SDK of CloudEvents neither codes nor
// decodes percent signs, lets the last of two equal members win, and reads
// batches without looking at them. The package is pure: it knows neither
// channels nor connections, and whoever calls bounds the bodies.
package event

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// SpecVersion is the version of CloudEvents of every Event.
const SpecVersion = "1.0"

// Names of the attributes that CloudEvents itself defines.
const (
	attrSpecVersion     = "specversion"
	attrID              = "id"
	attrSource          = "source"
	attrType            = "type"
	attrSubject         = "subject"
	attrTime            = "time"
	attrDataSchema      = "dataschema"
	attrDataContentType = "datacontenttype"
)

// AttrDeadSubscription is the attribute of a dead letter that names the
// subscription which has given up on the event.
const AttrDeadSubscription = "headwaydeadsubscription"

// AttrDeadRun is the attribute of a dead letter that names the redrive or the
// replay of its subscription which has given up on the event.
const AttrDeadRun = "headwaydeadrun"

// Event is one event. Its attributes are the canonical strings of the type
// system of CloudEvents, without the coding of the transport.
type Event struct {
	// ID, Source and Type are never empty in a valid event. Source and ID
	// together are the event: a second one with both is the same, sent again.
	ID, Source, Type string
	// Subject, DataSchema and DataContentType may be absent, "".
	Subject, DataSchema, DataContentType string
	// Time is RFC 3339 as it came; "" is absent.
	Time string
	// Extensions are sorted by name.
	Extensions []Attribute
	// Data as it came, byte for byte.
	Data []byte
}

// Attribute is an extension attribute. Its name is of a-z and 0-9; its value may
// be empty.
type Attribute struct{ Name, Value string }

// Get returns the value of any attribute, specversion too, and whether the event
// has it.
func (e *Event) Get(name string) (string, bool) {
	if name == attrSpecVersion {
		return SpecVersion, true
	}
	if field := e.field(name); field != nil {
		return *field, *field != ""
	}
	for i := range e.Extensions {
		if e.Extensions[i].Name == name {
			return e.Extensions[i].Value, true
		}
	}
	return "", false
}

// Set gives an attribute a value, in place of the one that it has. An attribute
// of CloudEvents itself is absent with ""; an extension is empty then.
// specversion stays as it is.
func (e *Event) Set(name, value string) {
	if name == attrSpecVersion {
		return
	}
	if field := e.field(name); field != nil {
		*field = value
		return
	}
	i, found := slices.BinarySearchFunc(e.Extensions, name, byName)
	if found {
		e.Extensions[i].Value = value
		return
	}
	e.Extensions = slices.Insert(e.Extensions, i, Attribute{Name: name, Value: value})
}

func byName(a Attribute, name string) int { return strings.Compare(a.Name, name) }

// field is where the event keeps an attribute of CloudEvents itself, nil for
// specversion and for extensions.
func (e *Event) field(name string) *string {
	switch name {
	case attrID:
		return &e.ID
	case attrSource:
		return &e.Source
	case attrType:
		return &e.Type
	case attrSubject:
		return &e.Subject
	case attrTime:
		return &e.Time
	case attrDataSchema:
		return &e.DataSchema
	case attrDataContentType:
		return &e.DataContentType
	}
	return nil
}

// Key is equal for events with equal source and id, and no others: the first
// half of a SHA-256, so that nobody can make an event that is taken for one of
// somebody else. Dead letters of two subscriptions are two events, as are those of
// two redrives.
func (e *Event) Key() [16]byte {
	var space [256]byte
	text := binary.AppendUvarint(space[:0], uint64(len(e.Source)))
	text = append(text, e.Source...)
	text = append(text, e.ID...)
	if by, dead := e.Get(AttrDeadSubscription); dead {
		text = append(text, 0) // which is in no attribute
		text = append(text, by...)
		if run, again := e.Get(AttrDeadRun); again {
			text = append(text, 0)
			text = append(text, run...)
		}
	}
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}
