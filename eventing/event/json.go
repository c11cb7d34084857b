package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxBatch is the most events in one batch.
const MaxBatch = 1000

// readStructured reads one event in the JSON format of CloudEvents, 1.0.2.
func readStructured(body []byte) (*Event, *Problem) {
	if p := jsonProblem(body); p != nil {
		return nil, p
	}
	s := scanner{text: body}
	return readObject(s.value())
}

// readBatch reads the JSON batch format: all events, or none and the place of
// the first that is wrong.
func readBatch(body []byte) ([]Event, *Problem) {
	if p := jsonProblem(body); p != nil {
		return nil, p
	}
	s := scanner{text: body}
	if s.peek() != '[' {
		return nil, problem("", "the body must be a JSON array of events")
	}
	var events []Event
	for i := 0; s.next(); i++ {
		if i == MaxBatch {
			return nil, problem("", "the batch has more than %d events", MaxBatch)
		}
		e, p := readObject(s.value())
		if p != nil {
			p.Event = &i
			return nil, p
		}
		events = append(events, *e)
	}
	return events, nil
}

// jsonProblem: after it, a scanner may take body for JSON without looking.
func jsonProblem(body []byte) *Problem {
	switch {
	case !utf8.Valid(body):
		return problem("", "the body is not valid UTF-8")
	case json.Valid(body):
		return nil
	case len(bytes.TrimSpace(body)) == 0:
		return problem("", "the body is empty")
	}
	var raw json.RawMessage
	err := json.Unmarshal(body, &raw)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return problem("", "the body is no JSON: %v, at byte %d", syntax, syntax.Offset)
	}
	return problem("", "the body is no JSON: %v", err)
}

// readObject reads an event from valid JSON.
func readObject(object []byte) (*Event, *Problem) {
	s := scanner{text: object}
	if s.peek() != '{' {
		return nil, problem("", "an event must be a JSON object")
	}
	var space [16]string
	o := structuredEvent{names: space[:0]}
	for s.next() {
		name, ok := unquote(s.value())
		if !ok {
			return nil, problem("", "the name of an attribute is not valid Unicode")
		}
		if p := o.take(name, s.value()); p != nil {
			return nil, p
		}
	}
	if !o.version {
		return nil, problem(attrSpecVersion, "is missing")
	}
	o.event.sort()
	if p := o.event.problem(); p != nil {
		return nil, p
	}
	if p := o.event.setData(o.data, o.encoded); p != nil {
		return nil, p
	}
	return &o.event, nil
}

// structuredEvent is an event of which some members have been read.
type structuredEvent struct {
	event   Event
	names   []string
	version bool // specversion was there
	// data and encoded are the members data and data_base64 as they came: what
	// they mean depends on datacontenttype, which may come after them.
	data, encoded []byte
}

// take takes the next member.
func (o *structuredEvent) take(name string, value []byte) *Problem {
	if slices.Contains(o.names, name) {
		return problem(name, "is there twice")
	}
	if len(o.names) == MaxAttributes+2 { // with data and data_base64
		return problem("", "the event has more than %d attributes", MaxAttributes)
	}
	o.names = append(o.names, name)
	switch {
	case name == memberData:
		o.data = value
		return nil
	case value[0] == 'n': // null: absent
		return nil
	case name == memberBase64:
		o.encoded = value
		return nil
	}
	text, p := o.event.attributeText(name, value)
	if p != nil {
		return p
	}
	if name == attrSpecVersion {
		o.version = true
		return versionProblem(text)
	}
	return o.event.add(name, text)
}

// attributeText is the canonical string of an attribute: section 2.2 of the JSON
// format, and section 3.2 of CloudEvents.
func (e *Event) attributeText(name string, value []byte) (string, *Problem) {
	if value[0] == '"' {
		text, ok := unquote(value)
		if !ok {
			return "", problem(name, "is not valid Unicode: it has half of a surrogate pair")
		}
		return text, nil
	}
	if name == attrSpecVersion || e.field(name) != nil {
		return "", problem(name, "must be a string")
	}
	switch value[0] {
	case 't', 'f':
		return string(value), nil
	case '{', '[':
		return "", problem(name, "must be a string, an integer or a boolean")
	}
	number, err := strconv.ParseInt(string(value), 10, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return "", problem(name, "is %s, and integers have 32 bits; write it as a string", clip(string(value), 30))
	case err != nil:
		return "", problem(name, "is %s, and numbers must be integers; write it as a string", clip(string(value), 30))
	}
	return strconv.FormatInt(number, 10), nil
}

// setData sets the data of a valid event from the members of a structured one:
// section 3.1.2 of the JSON format. Either may be nil.
func (e *Event) setData(data, encoded []byte) *Problem {
	switch {
	case data != nil && encoded != nil:
		return problem(memberData, "and data_base64 are both there; an event has one of them")
	case encoded != nil && encoded[0] != '"':
		return problem(memberBase64, "must be a string")
	case encoded != nil:
		text, ok := unquote(encoded)
		decoded, err := base64.StdEncoding.Strict().DecodeString(text)
		if !ok || err != nil {
			return problem(memberBase64, "is no base64 of RFC 4648, with + and / and padding")
		}
		e.keepData(decoded)
	case data == nil:
	case e.DataContentType == "":
		// What was implied must be said where the form of the event no longer does.
		e.DataContentType = "application/json"
		e.Data = data
	case isJSON(e.DataContentType):
		e.Data = data
	case data[0] == 'n':
	case data[0] != '"':
		return problem(memberData, "must be a string, as datacontenttype is %s", e.DataContentType)
	default:
		text, ok := unquote(data)
		if !ok {
			return problem(memberData, "is not valid Unicode: it has half of a surrogate pair")
		}
		e.keepData([]byte(text))
	}
	return nil
}

// keepData: no bytes are no data.
func (e *Event) keepData(data []byte) {
	if len(data) > 0 {
		e.Data = data
	}
}

// isJSON reports whether a media type says that data is JSON.
func isJSON(contentType string) bool {
	_, subtype, _ := strings.Cut(mediaOf(contentType), "/")
	return subtype == "json" || strings.HasSuffix(subtype, "+json")
}
