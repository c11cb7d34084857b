package answer

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTo(t *testing.T) {
	for _, c := range []struct {
		name, contentType string
		answer            Answer
		want              Response
	}{
		{"over HTTP", "application/json", Answer{Status: http.StatusServiceUnavailable, Reason: "no-pod", RetryAfter: 1, Text: "Later.\n"},
			Response{Status: 503, Body: "Later.\n", Fields: []Field{{"Content-Type", "text/plain; charset=utf-8"}, {"X-Content-Type-Options", "nosniff"}, {"Content-Length", "7"}, {"Headway-Answer", "no-pod"}, {"Retry-After", "1"}}}},
		{"to gRPC", "application/grpc+proto ; a=b", Answer{Status: http.StatusServiceUnavailable, Reason: "no-pod", RetryAfter: 1, Text: "100 % of\nä are busy.\n"},
			Response{Status: 200, Fields: []Field{{"Content-Type", "application/grpc+proto"}, {"Content-Length", "0"}, {"Grpc-Status", "14"}, {"Grpc-Message", "100 %25 of%0A%C3%A4 are busy."}, {"Headway-Answer", "no-pod"}}}},
	} {
		if diff := cmp.Diff(c.want, c.answer.To(c.contentType)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestGRPCStatus(t *testing.T) {
	for status, want := range map[int]string{400: "13", 404: "12", 405: "2", 408: "4", 431: "2", 501: "2", 502: "14", 503: "14", 504: "4"} {
		if got := (Answer{Status: status}).GRPCStatus(); got != want {
			t.Errorf("%d is %s, want %s", status, got, want)
		}
	}
}
