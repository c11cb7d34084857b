package event

import (
	"net/http"
	"slices"
	"strings"
)

// prefix of the headers that are attributes in binary mode, as net/http spells it.
const prefix = "Ce-"

// headers are the names of the headers of CloudEvents' own attributes, except
// for specversion and datacontenttype, in the order of header maps.
var headers = map[string]string{
	"Ce-Id": attrID, "Ce-Source": attrSource, "Ce-Type": attrType,
	"Ce-Subject": attrSubject, "Ce-Time": attrTime, "Ce-Dataschema": attrDataSchema,
	"Ce-Specversion": attrSpecVersion,
}

// readBinary reads an event whose attributes are headers and whose data is the
// body.
func readBinary(header http.Header, contentType string, body []byte) (*Event, *Problem) {
	e := &Event{}
	version := false
	for key, values := range header {
		if len(key) < len(prefix) || !strings.EqualFold(key[:len(prefix)], prefix) {
			continue
		}
		name, known := headers[key]
		if !known {
			name = strings.ToLower(key[len(prefix):])
		}
		if len(values) != 1 {
			return nil, problem(name, "is there %d times", len(values))
		}
		value, err := decodeHeader(values[0])
		if err != nil {
			return nil, problem(name, "%v", err)
		}
		switch name {
		case attrSpecVersion:
			version = true
			if p := versionProblem(value); p != nil {
				return nil, p
			}
			continue
		case attrDataContentType:
			return nil, problem(name, "must be the header Content-Type in binary mode, not ce-datacontenttype")
		}
		if p := e.add(name, value); p != nil {
			return nil, p
		}
	}
	if !version {
		return nil, problem(attrSpecVersion, "is missing: send it with id, source and type as the headers ce-specversion, ce-id, ce-source and ce-type, or send the Content-Type %s", mediaJSON)
	}
	e.DataContentType = contentType
	e.keepData(body)
	e.sort()
	return e, e.problem()
}

func versionProblem(value string) *Problem {
	if value != SpecVersion {
		return problem(attrSpecVersion, "is %q; only %s can be read", value, SpecVersion)
	}
	return nil
}

// add gives the event an attribute that it must not have yet. Extensions are out
// of order until sort.
func (e *Event) add(name, value string) *Problem {
	field := e.field(name)
	if field == nil {
		if len(e.Extensions) >= MaxAttributes {
			return problem("", "the event has more than %d attributes", MaxAttributes)
		}
		e.Extensions = append(e.Extensions, Attribute{Name: name, Value: value})
		return nil
	}
	if value == "" {
		return problem(name, "is empty")
	}
	if *field != "" {
		return problem(name, "is there twice")
	}
	*field = value
	return nil
}

func (e *Event) sort() {
	if len(e.Extensions) > 1 {
		slices.SortFunc(e.Extensions, func(a, b Attribute) int { return strings.Compare(a.Name, b.Name) })
	}
}

// WriteHTTP adds a valid event to the header of a request in binary mode and
// returns its body. It sets Content-Type if the event says one.
func (e *Event) WriteHTTP(header http.Header) (body []byte) {
	// One array for all values; each header has a slice of one of it.
	values := make([]string, 0, 8+len(e.Extensions))
	set := func(key, value string) {
		values = append(values, value)
		header[key] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Ce-Specversion", SpecVersion)
	for _, own := range [...]Attribute{
		{"Ce-Id", e.ID}, {"Ce-Source", e.Source}, {"Ce-Type", e.Type},
		{"Ce-Subject", e.Subject}, {"Ce-Time", e.Time}, {"Ce-Dataschema", e.DataSchema},
	} {
		if own.Value != "" {
			set(own.Name, encodeHeader(own.Value))
		}
	}
	for i := range e.Extensions {
		set(http.CanonicalHeaderKey(prefix+e.Extensions[i].Name), encodeHeader(e.Extensions[i].Value))
	}
	if e.DataContentType != "" {
		set("Content-Type", e.DataContentType)
	}
	return e.Data
}
