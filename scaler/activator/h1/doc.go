// Package h1 is the hot path: plain HTTP/1.1 requests, which is nearly all of
// them, from a client's connection to a pod's and back, without net/http.
//
// It promises to understand less than net/http and to be stricter. A request
// is plain if it is HTTP/1.1 with an origin-form target, a body of known and
// small size or none, and no upgrade or expectation. Every other connection is
// handed over, with the bytes that were read, to net/http for the rest of its
// life. A request that two servers could read in two ways is refused: a line
// that ends without CR LF, a space before a colon, a folded line, two lengths,
// a length beside a transfer encoding, two hosts, a control character.
//
// What is sent to a pod is written anew from the parsed parts. No byte of a
// client is passed on that was not looked at.
package h1
