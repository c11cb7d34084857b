package message

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headway-dev/headway/eventing/event"
)

// maxExtensions is how many attributes of a message become extensions; the first
// by name.
const maxExtensions = 64

// plain is the message as the data of an event. Of what the queue says, and of
// the message's attributes, is left out what no event can have.
func (m Message) plain() event.Event {
	bare := event.Event{ID: m.Event.ID, Source: m.Event.Source, Type: m.Event.Type, Data: dataOf(m)}
	if bare.Validate() != nil {
		sum := sha256.Sum256(append([]byte(bare.ID+"\x00"), bare.Data...))
		bare.ID = hex.EncodeToString(sum[:])
	}
	e := bare
	for _, name := range []string{"subject", "time"} {
		if value, has := m.Event.Get(name); has {
			e = with(e, name, value)
		}
	}
	if said := with(e, "datacontenttype", m.Event.DataContentType); said.DataContentType != "" {
		e = said
	} else {
		e.DataContentType = guess(e.Data)
	}
	for _, x := range m.Event.Extensions {
		e = with(e, x.Name, x.Value)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		short := extensionName(name)
		if _, has := e.Get(short); has || !isExtension(short) || strings.HasPrefix(strings.ToLower(name), m.Prefix) {
			continue
		}
		if len(e.Extensions) == maxExtensions {
			break
		}
		e = with(e, short, m.Attributes[name])
	}
	return e
}

// with is the event with one more attribute, or without it if it cannot have it.
func with(e event.Event, name, value string) event.Event {
	more := e
	more.Extensions = slices.Clone(e.Extensions)
	more.Set(name, value)
	if more.Validate() != nil {
		return e
	}
	return more
}

// extensionName is the name of a message's attribute as that of an extension:
// eventType and event-type are eventtype.
func extensionName(name string) string {
	return strings.NewReplacer("-", "", "_", "", ".", "").Replace(strings.ToLower(name))
}

// isExtension reports whether a name is valid and none of CloudEvents itself.
func isExtension(name string) bool {
	probe := event.Event{}
	probe.Set(name, "x")
	return event.ValidName(name) && len(probe.Extensions) > 0
}

// guess is the media type of data of which nobody says one.
func guess(data []byte) string {
	switch {
	case len(data) == 0:
		return ""
	case json.Valid(data):
		return "application/json"
	case utf8.Valid(data):
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
