package grammar

import "net/http"

// Refusal is why a request is answered with Status and its connection closed.
type Refusal struct {
	Status int
	Why    string
}

func (r *Refusal) Error() string { return r.Why }

func bad(why string) *Refusal { return &Refusal{http.StatusBadRequest, why} }

// The refusals.
var (
	BareLF       = bad("a line does not end with CR LF")
	RequestLine  = bad("the request line is malformed")
	Target       = bad("the request target is malformed")
	Field        = bad("a header line is malformed")
	Host         = bad("there must be exactly one valid Host header")
	Length       = bad("there must be at most one Content-Length, with digits only")
	TwoFramings  = bad("Content-Length and Transfer-Encoding exclude each other")
	OldEncoding  = bad("HTTP/1.0 has no Transfer-Encoding")
	Trailer      = bad("a trailer is announced that must not be one")
	Version      = &Refusal{http.StatusHTTPVersionNotSupported, "the HTTP version is not supported"}
	Encoding     = &Refusal{http.StatusNotImplemented, "the transfer encoding is not supported"}
	HeadTooLarge = &Refusal{http.StatusRequestHeaderFieldsTooLarge, "the request head is larger than 64 KiB"}
	// Tunnel is for CONNECT, which would make the activator a way to anywhere.
	Tunnel = &Refusal{http.StatusMethodNotAllowed, "CONNECT is not supported"}
)
