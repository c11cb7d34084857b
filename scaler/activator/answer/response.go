package answer

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Response is an Answer as it is sent: both codecs write what stands here.
type Response struct {
	Status int
	Fields []Field
	Body   string
}

// Field is a header field.
type Field struct{ Name, Value string }

// methods are those that an app may answer to: what stands in Allow, which RFC
// 9110 section 15.5.6 wants with a 405.
const methods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE"

// To is the response to a request with the given Content-Type. A gRPC client
// gets a call's status, as it looks at nothing else.
func (a Answer) To(contentType string) Response {
	if IsGRPC(contentType) {
		return a.toGRPC(contentType)
	}
	r := Response{Status: a.Status, Body: a.Text, Fields: []Field{
		{"Content-Type", "text/plain; charset=utf-8"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Length", strconv.Itoa(len(a.Text))},
		{Header, a.Reason},
	}}
	if a.RetryAfter > 0 {
		r.Fields = append(r.Fields, Field{"Retry-After", strconv.Itoa(a.RetryAfter)})
	}
	if a.Status == http.StatusMethodNotAllowed {
		r.Fields = append(r.Fields, Field{"Allow", methods})
	}
	return r
}

// Write sends a to r's client. One that has gone gets nothing.
func (a Answer) Write(w http.ResponseWriter, r *http.Request) {
	if a.Status == ClientGone {
		return
	}
	resp := a.To(r.Header.Get("Content-Type"))
	for _, f := range resp.Fields {
		w.Header().Set(f.Name, f.Value)
	}
	w.WriteHeader(resp.Status)
	if resp.Body != "" {
		_, _ = w.Write([]byte(resp.Body)) // the client may have gone
	}
}

// IsGRPC reports whether a request with this Content-Type is a gRPC call.
func IsGRPC(contentType string) bool { return strings.HasPrefix(contentType, "application/grpc") }

// toGRPC is a response without messages: the header has the status of the
// call, what gRPC's protocol over HTTP/2 calls Trailers-Only.
func (a Answer) toGRPC(contentType string) Response {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return Response{Status: http.StatusOK, Fields: []Field{
		{"Content-Type", strings.TrimRight(mediaType, " \t")},
		{"Content-Length", "0"},
		{"Grpc-Status", a.GRPCStatus()},
		{"Grpc-Message", percentEncode(strings.TrimSpace(a.Text))},
		{Header, a.Reason},
	}}
}

// GRPCStatus is the number of the status code that a gRPC client gets. It
// follows gRPC's table of what a client makes of HTTP statuses
// (doc/http-grpc-status-mapping.md), but for a timeout: there the app may have
// begun to work, and UNAVAILABLE would tell the client that it may try again.
func (a Answer) GRPCStatus() string {
	switch a.Status {
	case http.StatusBadRequest:
		return "13" // INTERNAL
	case http.StatusNotFound:
		return "12" // UNIMPLEMENTED
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return "14" // UNAVAILABLE
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "4" // DEADLINE_EXCEEDED
	}
	return "2" // UNKNOWN
}

// percentEncode writes a message as gRPC's protocol wants it.
func percentEncode(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
