package event

import (
	"mime"
	"net/http"
	"strings"
)

const (
	mediaJSON  = cloudEventsMedia + "+json"
	mediaBatch = cloudEventsMedia + "-batch+json"
)

// Members of a structured event that are no attributes.
const (
	memberData   = "data"
	memberBase64 = "data_base64"
)

// Unsupported is a form of events that Headway does not read.
type Unsupported struct {
	// ContentType as it came.
	ContentType string
}

func (u *Unsupported) Error() string {
	return "events of the Content-Type " + u.ContentType + " cannot be read: send " + mediaJSON + " or " + mediaBatch + " in UTF-8, or the attributes as headers (binary mode)"
}

// ReadHTTP reads the events of a request, by section 3 of the HTTP binding of
// CloudEvents: one in binary or structured mode, any number in batched mode. It
// returns all of them or an error: a *Problem, which is the sender's fault (400),
// or an *Unsupported (415). The events keep parts of body.
func ReadHTTP(header http.Header, body []byte) ([]Event, error) {
	var contentType string
	if values := header["Content-Type"]; len(values) > 1 {
		return nil, problem(attrDataContentType, "is there %d times, as the header Content-Type", len(values))
	} else if len(values) == 1 {
		contentType = values[0]
	}
	media := mediaOf(contentType)
	if strings.HasPrefix(media, cloudEventsMedia) && !charsetFits(contentType) {
		return nil, &Unsupported{ContentType: contentType}
	}
	var events []Event
	var e *Event
	var p *Problem
	switch {
	case media == mediaJSON:
		e, p = readStructured(body)
	case media == mediaBatch:
		events, p = readBatch(body)
	case strings.HasPrefix(media, cloudEventsMedia):
		return nil, &Unsupported{ContentType: contentType}
	default:
		e, p = readBinary(header, contentType, body)
	}
	if p != nil {
		return nil, p
	}
	if e != nil {
		events = []Event{*e}
	}
	return events, nil
}

// InBody reports whether the events of a request are altogether in its body: in
// structured or batched mode, or in one that ReadHTTP refuses.
func InBody(header http.Header) bool {
	return strings.HasPrefix(mediaOf(header.Get("Content-Type")), cloudEventsMedia)
}

// mediaOf is the media type of a Content-Type, in small letters, without
// parameters.
func mediaOf(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// charsetFits reports whether a structured event with this Content-Type is UTF-8.
func charsetFits(contentType string) bool {
	if !strings.Contains(contentType, ";") {
		return true
	}
	_, params, err := mime.ParseMediaType(contentType)
	charset, said := params["charset"]
	return err == nil && (!said || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii"))
}

// ReadReply is the event in an answer of an app with a 2xx status: in binary mode
// if it has ce-specversion, in structured mode by its Content-Type. It is nil, nil
// if there is none. A batch is an error, as nobody has asked for one.
func ReadReply(header http.Header, body []byte) (*Event, error) {
	contentType := header.Get("Content-Type")
	media := mediaOf(contentType)
	switch {
	case media == mediaBatch:
		return nil, problem("", "an answer can be one event, not a batch")
	case !strings.HasPrefix(media, cloudEventsMedia) && header.Get("Ce-Specversion") == "":
		return nil, nil
	}
	events, err := ReadHTTP(header, body)
	if err != nil {
		return nil, err
	}
	return &events[0], nil
}
