package ingress

import (
	"context"
	"net"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/story"
)

// sentBy is the context of a request with the name of who sends it. Who has shown
// nothing is known by an address, which is that of the API server if a command sends.
func sentBy(r *http.Request) context.Context {
	if story.Sender(r.Context()) != "" {
		return r.Context()
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return story.WithSender(r.Context(), "anonymous "+host)
}

// joinTrace has events that say nothing of a trace belong to that of their request.
func joinTrace(header http.Header, events []event.Event) {
	parents := header["Traceparent"]
	if len(parents) != 1 { // two say nothing
		return
	}
	for i := range events {
		events[i].JoinTrace(parents[0], strings.Join(header["Tracestate"], ","))
	}
}
