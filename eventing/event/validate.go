package event

import (
	"errors"
	"mime"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of one event, so that it always fits into the headers of a request:
// servers commonly stop reading those at 64 KiB or more.
const (
	// MaxAttributes, those of CloudEvents itself included.
	MaxAttributes = 100
	// MaxName is the longest name of an extension in bytes. CloudEvents says that
	// names should not be longer than 20, and that longer ones are valid.
	MaxName = 64
	// MaxValues is how long the values of all attributes together may be, in bytes.
	MaxValues = 32 << 10
)

// cloudEventsMedia begins the media types of events that are a body as a whole.
const cloudEventsMedia = "application/cloudevents"

// Validate returns a *Problem, or nil for an event that can be kept and delivered.
func (e *Event) Validate() error {
	if p := e.problem(); p != nil {
		return p
	}
	return nil
}

func (e *Event) problem() *Problem {
	for _, required := range []Attribute{{attrID, e.ID}, {attrSource, e.Source}, {attrType, e.Type}} {
		if required.Value == "" {
			return problem(required.Name, "is missing")
		}
	}
	if p := e.boundsProblem(); p != nil {
		return p
	}
	for _, text := range []Attribute{{attrID, e.ID}, {attrType, e.Type}, {attrSubject, e.Subject}} {
		if p := textProblem(text.Name, text.Value); p != nil {
			return p
		}
	}
	for i := range e.Extensions {
		name := e.Extensions[i].Name
		if p := nameProblem(name); p != nil {
			return p
		}
		if name == attrSpecVersion || e.field(name) != nil {
			return problem(name, "is no extension")
		}
		if i > 0 && e.Extensions[i-1].Name == name {
			return problem(name, "is there twice")
		}
		if i > 0 && e.Extensions[i-1].Name > name {
			return problem(name, "is out of order")
		}
		if p := textProblem(name, e.Extensions[i].Value); p != nil {
			return p
		}
	}
	if p := uriProblem(attrSource, e.Source, false); p != nil {
		return p
	}
	if p := uriProblem(attrDataSchema, e.DataSchema, true); p != nil {
		return p
	}
	if p := timeProblem(e.Time); p != nil {
		return p
	}
	return mediaTypeProblem(e.DataContentType)
}

func (e *Event) boundsProblem() *Problem {
	count, size := 1+len(e.Extensions), len(SpecVersion)
	for _, field := range e.fields() {
		size += len(*field)
		if *field != "" {
			count++
		}
	}
	for i := range e.Extensions {
		size += len(e.Extensions[i].Value)
	}
	if count > MaxAttributes {
		return problem("", "the event has %d attributes; at most %d can be delivered", count, MaxAttributes)
	}
	if size > MaxValues {
		return problem("", "the values of the attributes are %d bytes together; at most %d can be delivered", size, MaxValues)
	}
	return nil
}

// nameProblem is for the name of an extension: CloudEvents section 3.1.
func nameProblem(name string) *Problem {
	switch {
	case name == "":
		return problem("", "an attribute has no name")
	case len(name) > MaxName:
		return problem(name, "has a name that is longer than %d letters", MaxName)
	case name == memberData:
		return problem(name, "is no attribute: data is the body, or a member of a structured event")
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return problem(name, "has a name with %q in it; names are of lower-case letters and digits", name[i:i+runeLen(name[i:])])
		}
	}
	return nil
}

// ValidName reports whether an attribute can have the name, one of CloudEvents
// itself included.
func ValidName(name string) bool { return nameProblem(name) == nil }

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// textProblem is for the characters that the type String of CloudEvents, section
// 3.2, does not have.
func textProblem(name, value string) *Problem {
	for i := 0; i < len(value); i++ {
		if c := value[i]; c < 0x20 || c >= 0x7f {
			return unicodeProblem(name, value)
		}
	}
	return nil
}

// unicodeProblem is textProblem for a value that is not plain ASCII.
func unicodeProblem(name, value string) *Problem {
	for i, r := range value {
		switch {
		case r == utf8.RuneError && runeLen(value[i:]) <= 1:
			return problem(name, "is not valid UTF-8")
		case r < 0x20 || r >= 0x7f && r <= 0x9f:
			return problem(name, "has the control character U+%04X in it", r)
		case r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe:
			return problem(name, "has U+%04X in it, which Unicode defines to be no character", r)
		}
	}
	return nil
}

// uriProblem is for an attribute that is a URI-reference, or a URI if absolute,
// of RFC 3986.
func uriProblem(name, value string, absolute bool) *Problem {
	if value == "" {
		return nil
	}
	for i, r := range value {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}", r) {
			return problem(name, "is no URI: %q must be percent-encoded in it", value[i:i+runeLen(value[i:])])
		}
	}
	parsed, err := url.Parse(value)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // without the value, which the sender knows
		}
		return problem(name, "is no URI: %v", err)
	}
	if absolute && parsed.Scheme == "" {
		return problem(name, "is no absolute URI: it has no scheme, such as https")
	}
	return nil
}

// timeProblem: RFC 3339, whose T and Z may be small letters. A leap second is
// refused, as Go and most other languages cannot read it.
func timeProblem(value string) *Problem {
	if value == "" {
		return nil
	}
	var t time.Time
	// UnmarshalText is stricter than Parse, but takes a comma for a point.
	if err := t.UnmarshalText([]byte(strings.ToUpper(value))); err != nil || strings.Contains(value, ",") {
		return problem(attrTime, "is no time of RFC 3339, such as 2026-05-04T12:00:00Z")
	}
	return nil
}

// mediaTypeProblem: datacontenttype becomes the header Content-Type as it is. An
// event in an event is refused: in binary mode it would be taken for the event.
func mediaTypeProblem(value string) *Problem {
	if value == "" || value == "application/json" {
		return nil
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] >= 0x7f {
			return problem(attrDataContentType, "is no media type: it has a character outside of ASCII")
		}
	}
	media, _, err := mime.ParseMediaType(value)
	if err != nil || !strings.Contains(media, "/") || value != strings.TrimSpace(value) {
		return problem(attrDataContentType, "is no media type, such as application/json")
	}
	if strings.HasPrefix(media, cloudEventsMedia) {
		return problem(attrDataContentType, "is %s: an event cannot be the data of another", media)
	}
	return nil
}
