package webhook

import (
	"encoding/json"
	"errors"
	"strings"
)

// maxText is the longest value that becomes a part of an attribute, in bytes.
const maxText = 1024

// document is the body of a webhook: an object, of which the parts that are asked
// for are read.
type document map[string]json.RawMessage

func parseDocument(body []byte) (document, error) {
	var d document
	if err := json.Unmarshal(body, &d); err != nil || d == nil {
		return nil, errors.New("the body is no JSON object")
	}
	return d, nil
}

// text is the text or number at the first path that has one, such as
// "release.published_at|release.created_at"; "" if none has.
func (d document) text(paths string) string {
	for path := range strings.SplitSeq(paths, "|") {
		if text := d.at(path); text != "" {
			return text
		}
	}
	return ""
}

func (d document) at(path string) string {
	for {
		name, rest, more := strings.Cut(path, ".")
		value := d[name]
		if !more {
			return scalar(value)
		}
		var inner document
		if json.Unmarshal(value, &inner) != nil {
			return ""
		}
		d, path = inner, rest
	}
}

func scalar(value json.RawMessage) string {
	if len(value) == 0 || len(value) > maxText {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text // null is "", too
	}
	var number json.Number
	if json.Unmarshal(value, &number) == nil {
		return number.String()
	}
	return ""
}
