package message

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/eventing/event"
)

const (
	cloudEventsMedia = "application/cloudevents"
	structuredMedia  = cloudEventsMedia + "+json"
	specVersion      = "specversion"
)

// structured reads a message that is one event in JSON, or a batch of them. Not
// every sender to a queue can say a content type, so that an object with a
// specversion is taken for an event, too.
func (m Message) structured() []event.Event {
	media := m.Event.DataContentType
	if !strings.HasPrefix(strings.ToLower(media), cloudEventsMedia) {
		if !bytes.HasPrefix(bytes.TrimSpace(m.Event.Data), []byte("{")) || !bytes.Contains(m.Event.Data, []byte(`"`+specVersion+`"`)) {
			return nil
		}
		media = structuredMedia
	}
	events, err := event.ReadHTTP(http.Header{"Content-Type": {media}}, m.Event.Data)
	if err != nil {
		return nil
	}
	return events
}

// binary reads a message whose attributes are those of an event, unlike those of
// HTTP without percent-encoding.
func (m Message) binary() (event.Event, bool) {
	e := event.Event{DataContentType: m.Event.DataContentType, Data: dataOf(m)}
	version := ""
	for key, value := range m.Attributes {
		name, ok := strings.CutPrefix(strings.ToLower(key), m.Prefix)
		switch {
		case !ok:
		case name == specVersion:
			version = value
		case !event.ValidName(name) || value == "":
			return event.Event{}, false
		default:
			if _, twice := e.Get(name); twice && name != "datacontenttype" {
				return event.Event{}, false
			}
			e.Set(name, value)
		}
	}
	return e, version == event.SpecVersion && e.Validate() == nil
}

// dataOf is the data of an event: no bytes are none.
func dataOf(m Message) []byte {
	if len(m.Event.Data) == 0 {
		return nil
	}
	return m.Event.Data
}
