package ingress

import (
	"net/http"
	"strings"

	"github.com/headway-dev/headway/eventing/event"
)

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
