// Package h1 is the hot path: plain HTTP/1.1 requests, which is nearly all of
// them, from a client's connection to a pod's and back, without net/http.
//
// It promises to understand less than net/http and to be stricter. A request
// is plain if it is HTTP/1.1 with a target in origin form, a body of known and
// small size or none, and no upgrade or expectation. Every other connection is
// handed over to net/http for the rest of its life. But which requests are
// refused is decided here for all of HTTP/1, by the rules of package grammar:
// net/http reads through this package, from clients and from pods.
//
// What is sent to a pod is written anew from the parsed parts. No byte of a
// head is passed on that was not looked at.
package h1
