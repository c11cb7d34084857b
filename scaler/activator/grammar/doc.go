// Package grammar says what a request must look like, and what the client of
// any other is told. The rules hold for every request, whichever codec has
// read it: package h1 applies all of them to HTTP/1, also to what net/http
// serves; package proxy applies those for targets and hosts to HTTP/2, which
// frames messages by itself.
//
// Where the standards leave a choice: what two readers could understand in two
// ways is refused, and what they can only find ugly passes as it came.
package grammar
