package trace

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
)

// Incoming is a request as it came.
type Incoming struct {
	Started time.Time
	Method  string
	// Target is the path; a query string in it is not recorded.
	Target string
	Host   string
	// Version of HTTP: "1.0", "1.1" or "2".
	Version string
	// Peer is the address of the other end of the connection.
	Peer string
	// ForwardedFor and ForwardedProto are the headers that a load balancer
	// sets.
	ForwardedFor, ForwardedProto string
}

// methods are those that RFC 9110 and RFC 5789 define. Any other one is told
// apart by an attribute, as a span's name must not be a client's choice.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

func (in Incoming) name() string {
	if slices.Contains(methods, in.Method) {
		return in.Method
	}
	return "HTTP"
}

// attributes follow the OpenTelemetry conventions for HTTP servers. One value
// that is not UTF-8 would keep the whole batch from being sent.
func (in Incoming) attributes() []attribute.KeyValue {
	path, _, _ := strings.Cut(in.Target, "?")
	scheme := "http"
	if strings.EqualFold(in.ForwardedProto, "https") {
		scheme = "https"
	}
	a := make([]attribute.KeyValue, 0, 12)
	a = append(a, semconv.URLScheme(scheme), semconv.URLPath(valid(path)), semconv.NetworkProtocolVersion(in.Version))
	if in.name() == in.Method {
		a = append(a, semconv.HTTPRequestMethodKey.String(in.Method))
	} else {
		a = append(a, semconv.HTTPRequestMethodOther, semconv.HTTPRequestMethodOriginal(valid(in.Method)))
	}
	host, port := split(in.Host)
	a = append(a, semconv.ServerAddress(valid(host)))
	if port > 0 {
		a = append(a, semconv.ServerPort(port))
	}
	peer, port := split(in.Peer)
	a = append(a, semconv.NetworkPeerAddress(peer), semconv.NetworkPeerPort(port))
	client, _, _ := strings.Cut(in.ForwardedFor, ",")
	if client = strings.TrimSpace(client); client == "" {
		client = peer
	}
	return append(a, semconv.ClientAddress(valid(client)))
}

// maxValue bounds an attribute, and so the memory of spans that wait to be
// sent: the longest path that is taken has 64 KiB.
const maxValue = 1024

// valid is s as an attribute. It holds no longer string in memory.
func valid(s string) string {
	if len(s) > maxValue {
		s = strings.Clone(s[:maxValue])
	}
	return strings.ToValidUTF8(s, "?")
}

// split takes a port off an address; 0 if there is none.
func split(address string) (host string, port int) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return address, 0
	}
	port, _ = strconv.Atoi(digits)
	return host, port
}

// Outcome is how a request ended.
type Outcome struct {
	// Namespace, App and Revision are empty if the request did not get so far.
	Namespace, App, Revision string
	// Status is 0 if the client went away before an answer.
	Status int
	// Bytes of the response body.
	Bytes int64
	// Broken is whether the response broke off before its end.
	Broken bool
	// Said is what the activator answered, if it was not the app that did.
	Said string
}

func (o Outcome) attributes() []attribute.KeyValue {
	a := make([]attribute.KeyValue, 0, 8)
	if o.App != "" {
		a = append(a, namespaceKey.String(o.Namespace), appKey.String(o.App))
	}
	if o.Revision != "" {
		a = append(a, revisionKey.String(o.Revision))
	}
	if o.Status == 0 {
		return append(a, clientGoneKey.Bool(true))
	}
	a = append(a, semconv.HTTPResponseStatusCode(o.Status), semconv.HTTPResponseBodySize(int(o.Bytes)))
	switch {
	case o.Status >= 500:
		a = append(a, semconv.ErrorTypeKey.String(strconv.Itoa(o.Status)))
	case o.Broken:
		a = append(a, semconv.ErrorTypeKey.String("broken"))
	}
	return a
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return valid(line)
}

// grpcCodes are the names of the codes 0 to 16.
var grpcCodes = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
}

// grpcCode names a code, and tells whether the server is at fault, which only
// some codes say.
func grpcCode(status string) (name string, server bool) {
	n, err := strconv.Atoi(status)
	if err != nil || n < 0 || n >= len(grpcCodes) {
		return "_OTHER", true
	}
	switch name = grpcCodes[n]; name {
	case "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS":
		return name, true
	}
	return name, false
}
