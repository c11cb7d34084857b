package answer

import (
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

// Response is a as it is sent.
func (a Answer) Response() Response {
	r := Response{Status: a.Status, Body: a.Text, Fields: []Field{
		{"Content-Type", "text/plain; charset=utf-8"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Length", strconv.Itoa(len(a.Text))},
	}}
	if a.RetryAfter > 0 {
		r.Fields = append(r.Fields, Field{"Retry-After", strconv.Itoa(a.RetryAfter)})
	}
	if a.Status == http.StatusMethodNotAllowed {
		r.Fields = append(r.Fields, Field{"Allow", methods})
	}
	return r
}

// Write sends a. One that has gone gets nothing.
func (a Answer) Write(w http.ResponseWriter) {
	if a.Status == ClientGone {
		return
	}
	resp := a.Response()
	for _, f := range resp.Fields {
		w.Header().Set(f.Name, f.Value)
	}
	w.WriteHeader(resp.Status)
	if resp.Body != "" {
		_, _ = w.Write([]byte(resp.Body)) // the client may have gone
	}
}

// IsGRPC tells whether a request with this Content-Type is a gRPC call.
func IsGRPC(contentType string) bool { return strings.HasPrefix(contentType, "application/grpc") }
