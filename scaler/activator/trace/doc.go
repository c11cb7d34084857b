// Package trace records what happens to a request as an OpenTelemetry trace:
// a span from its head to the end of its response, a child for the time in
// which it waited for a pod, and events for the rest of its way.
//
// It promises: while tracing is off, nothing of it runs and the headers
// traceparent and tracestate pass as they came. A request that is not recorded
// costs a look at its header and no memory. A collector that is slow or gone
// never makes a request wait, and the memory for spans that it has not taken
// is bounded. No query string and no body is recorded, and of the headers
// only those that say where the request came from and where it goes.
//
// The SDK makes and batches spans. They are sent by a client of this package,
// by HTTP with protobuf, because the SDK's own links gRPC in: 12 MB of program
// and 9 MiB of memory in every activator, traced or not.
package trace
