package trace

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	"github.com/headway-dev/headway/scaler/activator/record"
)

// methods are those that RFC 9110 and RFC 5789 define. Any other one is told
// apart by an attribute, as a span's name must not be a client's choice.
var methods = []string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}

func nameOf(in record.Incoming) string {
	if slices.Contains(methods, in.Method) {
		return in.Method
	}
	return "HTTP"
}

// describe follows the OpenTelemetry conventions for HTTP servers. One value
// that is not UTF-8 would keep the whole batch from being sent.
func describe(in record.Incoming) []attribute.KeyValue {
	scheme := "http"
	if strings.EqualFold(in.ForwardedProto, "https") {
		scheme = "https"
	}
	a := make([]attribute.KeyValue, 0, 12)
	a = append(a, semconv.URLScheme(scheme), semconv.URLPath(valid(in.Path())), semconv.NetworkProtocolVersion(version(in.Protocol)))
	if nameOf(in) == in.Method {
		a = append(a, semconv.HTTPRequestMethodKey.String(in.Method))
	} else {
		a = append(a, semconv.HTTPRequestMethodOther, semconv.HTTPRequestMethodOriginal(valid(in.Method)))
	}
	host, port := split(in.Host)
	a = append(a, semconv.ServerAddress(valid(host)))
	if port > 0 {
		a = append(a, semconv.ServerPort(port))
	}
	peer, port := split(in.Client)
	a = append(a, semconv.NetworkPeerAddress(peer), semconv.NetworkPeerPort(port))
	client, _, _ := strings.Cut(in.ForwardedFor, ",")
	if client = strings.TrimSpace(client); client == "" {
		client = peer
	}
	return append(a, semconv.ClientAddress(valid(client)))
}

// version of HTTP as the conventions write it: "1.1", "2".
func version(protocol string) string {
	if protocol == "HTTP/2.0" {
		return "2"
	}
	return strings.TrimPrefix(protocol, "HTTP/")
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

// outcome follows the same conventions.
func outcome(o record.Outcome) []attribute.KeyValue {
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

// grpcCode names a code, and reports whether the server is at fault, which only
// some codes say.
func grpcCode(status string) (name string, server bool) {
	n, err := strconv.Atoi(status)
	if err != nil || n < 0 || n >= len(grpcCodes) {
		return "_OTHER", true
	}
	return grpcCodes[n], record.GRPCFailed(status)
}
