package activator

import (
	"slices"
	"strings"
)

// Parts of cases.
const (
	toShop    = "Host: " + appHost + "\r\n"
	chunked   = "Transfer-Encoding: chunked\r\n"
	smuggled  = "GET /smuggled HTTP/1.1\r\n" + toShop + "\r\n"
	getShop   = "GET / HTTP/1.1\r\n" + toShop + "\r\n"
	postShop  = "POST / HTTP/1.1\r\n" + toShop
	withDate  = "Date: " + oldDate + "\r\n"
	okHead    = "HTTP/1.1 200 OK\r\n" + withDate
	okChunked = okHead + chunked
)

// get is a request for a target.
func get(target string) string { return "GET " + target + " HTTP/1.1\r\n" + toShop + "\r\n" }

// routeCases are in the order of a message: its framing, its first line, its
// header, and then the same of responses.
var routeCases = slices.Concat(framingCases, lineCases, hostCases, passedCases, statusCases, trailerCases, headerCases)

var framingCases = []routeCase{
	{name: "chunks in HTTP/1.0", request: "POST /a HTTP/1.0\r\n" + toShop + chunked + "\r\n" + "0\r\n\r\n" + smuggled},
	{name: "chunks in HTTP/1.0 that is kept alive", request: "POST /a HTTP/1.0\r\n" + toShop + "Connection: keep-alive\r\n" + chunked + "\r\n" + smuggled},
	{name: "chunks and a length in HTTP/1.0", request: "POST /a HTTP/1.0\r\n" + toShop + "Connection: keep-alive\r\nContent-Length: 5\r\n" + chunked + "\r\n0\r\n\r\n" + smuggled},
	{name: "length and chunks", request: postShop + "Content-Length: 6\r\n" + chunked + "\r\n0\r\n\r\nX" + smuggled},
	{name: "two lengths", request: postShop + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab" + smuggled},
	{name: "the same length twice", request: postShop + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na" + smuggled},
	{name: "list of lengths", request: postShop + "Content-Length: 1, 1\r\n\r\na" + smuggled},
	{name: "signed length", request: postShop + "Content-Length: +1\r\n\r\na" + smuggled},
	{name: "hexadecimal length", request: postShop + "Content-Length: 0x1\r\n\r\na" + smuggled},
	{name: "length beyond 64 bits", request: postShop + "Content-Length: 18446744073709551617\r\n\r\na" + smuggled},
	{name: "empty length", request: postShop + "Content-Length:\r\n\r\n" + smuggled},
	{name: "gzip and chunks", request: postShop + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled},
	{name: "encoding that contains chunked", request: postShop + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled},
	{name: "quoted encoding", request: postShop + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + smuggled},
	{name: "vertical tab before chunked", request: postShop + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smuggled},
	{name: "chunked and identity", request: postShop + chunked + "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled},
	{name: "identity", request: postShop + "Transfer-Encoding: identity\r\n\r\n" + smuggled},
	{name: "chunked twice", request: postShop + chunked + chunked + "\r\n0\r\n\r\n" + smuggled},
	{name: "space before the colon", request: postShop + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled},
	{name: "folded line", request: postShop + "X: a\r\n Content-Length: 3\r\n\r\n" + smuggled},
	{name: "bare LF in the head", request: "GET / HTTP/1.1\r\n" + toShop + "X: a\nY: b\r\n\r\n" + smuggled},
	{name: "bare LF only", request: "GET / HTTP/1.1\nHost: shop.localhost\n\n" + smuggled},
	{name: "bare CR in a value", request: "GET / HTTP/1.1\r\n" + toShop + "X: a\rY: b\r\n\r\n" + smuggled},
	{name: "NUL in a value", request: "GET / HTTP/1.1\r\n" + toShop + "X: a\x00b\r\n\r\n" + smuggled},
	{name: "empty name", request: "GET / HTTP/1.1\r\n" + toShop + ": x\r\n\r\n" + smuggled},
	{name: "no colon", request: "GET / HTTP/1.1\r\n" + toShop + "X\r\n\r\n" + smuggled},
	{name: "head too large", request: "GET / HTTP/1.1\r\n" + toShop + "X: " + strings.Repeat("a", 70<<10) + "\r\n\r\n"},
	{name: "chunks", request: postShop + chunked + "\r\n2;a=b\r\nhe\r\n03\r\nllo\r\n0\r\nX: y\r\n\r\n"},
	{name: "bare LF in chunks", request: postShop + chunked + "\r\n2\nhe\n0\n\n" + smuggled},
	{name: "chunk size that is no number", request: postShop + chunked + "\r\nzz\r\n\r\n" + smuggled},
	{name: "negative chunk size", request: postShop + chunked + "\r\n-1\r\n\r\n" + smuggled},
	{name: "chunk size with a prefix", request: postShop + chunked + "\r\n0x2\r\nab\r\n0\r\n\r\n" + smuggled},
	{name: "chunk size beyond 64 bits", request: postShop + chunked + "\r\n10000000000000002\r\nab\r\n0\r\n\r\n" + smuggled},
	{name: "chunk longer than its size", request: postShop + chunked + "\r\n2\r\nabc\r\n0\r\n\r\n" + smuggled},
	{name: "control character in a chunk extension", request: postShop + chunked + "\r\n2;a\rb\r\nab\r\n0\r\n\r\n" + smuggled},
	{name: "endless chunk extension", request: postShop + chunked + "\r\n2;" + strings.Repeat("a", 8<<10) + "\r\nab\r\n0\r\n\r\n" + smuggled},
	{name: "more chunk extensions than data", request: postShop + chunked + "\r\n" + strings.Repeat("1;"+strings.Repeat("a", 2<<10)+"\r\na\r\n", 30) + "0\r\n\r\n" + smuggled},
	{name: "trailers that frame", request: postShop + chunked + "\r\n0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nHost: other\r\nX: y\r\n\r\n"},
	{name: "announced trailer that frames", request: postShop + "Trailer: X, Content-Length\r\n" + chunked + "\r\n0\r\n\r\n" + smuggled},
	{name: "folded trailer", request: postShop + chunked + "\r\n0\r\nX: a\r\n b\r\n\r\n" + smuggled},
	{name: "empty line first", request: "\r\n" + getShop},
	{name: "two empty lines first", request: "\r\n\r\n" + getShop},
	{name: "empty line without CR first", request: "\n" + getShop},
	{name: "empty line after a body", request: postShop + "Content-Length: 2\r\n\r\nab\r\n"},
}

var lineCases = []routeCase{
	{name: "tunnel", request: "CONNECT shop.localhost:80 HTTP/1.1\r\nHost: shop.localhost:80\r\n\r\n" + smuggled},
	{name: "tunnel to a path", request: "CONNECT /x HTTP/1.1\r\n" + toShop + "\r\n" + smuggled},
	{name: "tunnel for an unknown host", request: "CONNECT /x HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n" + smuggled},
	{name: "options of the server", request: "OPTIONS * HTTP/1.1\r\n" + toShop + "\r\n", h2c: true},
	{name: "options of the server, unknown host", request: "OPTIONS * HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n", h2c: true},
	{name: "other method for *", request: "GET * HTTP/1.1\r\n" + toShop + "\r\n" + smuggled, h2c: true},
	{name: "fragment", request: get("/a#b") + smuggled, h2c: true},
	{name: "UTF-8 in the path", request: get("/ä/%C3%a4"), h2c: true},
	{name: "UTF-8 in the query", request: get("/?ä=ö"), h2c: true},
	{name: "bytes that are no UTF-8", request: get("/\xff"), h2c: true},
	{name: "odd characters", request: get(`/a"<>\^` + "`{|}[]" + `?"<>\^` + "`{|}[]"), h2c: true},
	{name: "path that is not normal", request: get("/a/../%2e%2E//b/./c%2Fd;x?y;z=%zz&?"), h2c: true},
	{name: "two slashes first", request: get("//a//b?c"), h2c: true},
	{name: "two slashes first, and odd characters", request: get("//ä|"), differs: "net/url would take two slashes for a host, so it must escape what RFC 3986 wants to be escaped"},
	{name: "empty query", request: get("/a?"), h2c: true},
	// Over HTTP/2 net/http resets the streams of these two.
	{name: "escape that is none, in the path", request: get("/%zz") + smuggled},
	{name: "half an escape at the end", request: get("/%4") + smuggled},
	{name: "space in the target", request: get("/a b") + smuggled},
	{name: "tab in the target", request: get("/a\tb") + smuggled},
	{name: "two spaces", request: get(" /") + smuggled},
	{name: "no target", request: "GET HTTP/1.1\r\n" + toShop + "\r\n" + smuggled},
	{name: "control character in the method", request: "G\x01T / HTTP/1.1\r\n" + toShop + "\r\n" + smuggled},
	{name: "DEL in the target", request: get("/a\x7f") + smuggled},
	{name: "relative target", request: get("a/b") + smuggled},
	{name: "absolute target", request: "GET http://shop.localhost/a?b HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n"},
	{name: "absolute target without a path", request: "GET http://shop.localhost HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n"},
	{name: "absolute target with a user", request: "GET http://a@shop.localhost/ HTTP/1.1\r\n" + toShop + "\r\n" + smuggled},
	{name: "absolute target with a port that is none", request: "GET http://shop.localhost:abc/ HTTP/1.1\r\n" + toShop + "\r\n" + smuggled},
	{name: "absolute target without Host", request: "GET http://shop.localhost/ HTTP/1.1\r\n\r\n" + smuggled},
	{name: "other scheme", request: "GET ftp://shop.localhost/ HTTP/1.1\r\n" + toShop + "\r\n" + smuggled},
	{name: "version in lower case", request: "GET / http/1.1\r\n" + toShop + "\r\n" + smuggled},
	{name: "other version", request: "GET / HTTP/1.2\r\n" + toShop + "\r\n" + smuggled},
	{name: "HTTP/2 in the middle", request: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", differs: "HTTP/2 can begin only where the connection does"},
	{name: "no version", request: "GET /\r\n" + toShop + "\r\n" + smuggled},
	{name: "own method", request: "BREW /pot HTTP/1.1\r\n" + toShop + "\r\n", h2c: true},
}

var hostCases = []routeCase{
	{name: "no host", request: "GET / HTTP/1.1\r\nX: y\r\n\r\n" + smuggled},
	{name: "no host in HTTP/1.0", request: "GET / HTTP/1.0\r\n\r\n"},
	{name: "two hosts", request: "GET / HTTP/1.1\r\n" + toShop + "Host: other\r\n\r\n" + smuggled},
	{name: "empty host", request: "GET / HTTP/1.1\r\nHost:\r\n\r\n" + smuggled},
	{name: "host with a port", request: "GET / HTTP/1.1\r\nHost: Shop.localhost:8080\r\n\r\n", h2c: true},
	{name: "host with an empty port", request: "GET / HTTP/1.1\r\nHost: shop.localhost:\r\n\r\n"},
	{name: "host with a port that is none", request: "GET / HTTP/1.1\r\nHost: shop.localhost:abc\r\n\r\n" + smuggled, h2c: true},
	{name: "host with two ports", request: "GET / HTTP/1.1\r\nHost: shop.localhost:80:80\r\n\r\n" + smuggled, h2c: true},
	{name: "host with a user", request: "GET / HTTP/1.1\r\nHost: a@shop.localhost\r\n\r\n" + smuggled},
	{name: "host with a path", request: "GET / HTTP/1.1\r\nHost: shop.localhost/x\r\n\r\n" + smuggled},
	{name: "address", request: "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", h2c: true},
	{name: "half an address", request: "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n" + smuggled},
	{name: "address with more behind it", request: "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n" + smuggled},
}

// passedCases are requests as an app must see them.
var passedCases = []routeCase{
	{name: "hop-by-hop fields", request: "GET / HTTP/1.1\r\n" + toShop + "Connection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers, deflate;q=0.5\r\nProxy-Authorization: x\r\nHttp2-Settings: x\r\nX: y\r\n\r\n"},
	{name: "repeated and empty fields", request: "GET / HTTP/1.1\r\n" + toShop + "X: 1\r\nX: 2\r\nY:\r\nCookie: a=1\r\n\r\n", h2c: true},
	{name: "fields of the activators", request: "GET / HTTP/1.1\r\n" + toShop + "Headway-Revision: default/other\r\nHeadway-Hops: 3\r\n\r\n", h2c: true},
	{name: "upgrade in HTTP/1.0", request: "GET / HTTP/1.0\r\n" + toShop + "Connection: upgrade, keep-alive\r\nUpgrade: x\r\n\r\n"},
	{name: "upgrade that the app does not take", request: "GET / HTTP/1.1\r\n" + toShop + "Connection: upgrade\r\nUpgrade: x\r\n\r\n"},
	{name: "bad request behind such an upgrade", request: "GET / HTTP/1.1\r\n" + toShop + "Connection: upgrade\r\nUpgrade: x\r\n\r\nGET / HTTP/1.1\nHost: a\n\n" + smuggled},
	{name: "bad request behind a good one", request: postShop + chunked + "\r\n0\r\n\r\nGET / HTTP/1.1\nHost: a\n\n" + smuggled},
	{name: "body behind an empty one", request: postShop + "Content-Length: 0\r\n\r\nab" + smuggled},
	{name: "expectation in HTTP/1.0", request: "POST / HTTP/1.0\r\n" + toShop + "Connection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab"},
	{name: "gRPC to an unknown host", request: "POST /a.B/C HTTP/1.1\r\nHost: nobody.localhost\r\nContent-Type: application/grpc+proto;x=y\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "gRPC to a revision that is gone", request: "POST /a.B/C HTTP/1.1\r\nHost: gone.localhost\r\nContent-Type: application/grpc-web\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "unknown expectation", request: postShop + "Expect: tea\r\nContent-Length: 2\r\n\r\nab" + smuggled},
}

var statusCases = []routeCase{
	{name: "status 099", request: getShop, app: "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "status 1000", request: getShop, app: "HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "status 999", request: getShop, app: "HTTP/1.1 999 Odd\r\n" + withDate + "Content-Length: 0\r\n\r\n", h2c: true},
	{name: "status that is no number", request: getShop, app: "HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "no reason", request: getShop, app: "HTTP/1.1 200 \r\n" + withDate + "Content-Length: 2\r\n\r\nok", h2c: true},
	{name: "no reason and no space", request: getShop, app: "HTTP/1.1 200\r\n" + withDate + "Content-Length: 2\r\n\r\nok", h2c: true},
	{name: "switch that nobody asked for", request: getShop, app: "HTTP/1.1 101 Switching Protocols\r\n\r\nhello", h2c: true},
	{name: "switch to what nobody asked for", request: getShop, app: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nhello", h2c: true},
	{name: "early hints", request: getShop, app: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + okHead + "Content-Length: 2\r\n\r\nok", h2c: true},
	{name: "early hints for HTTP/1.0", request: "GET / HTTP/1.0\r\n" + toShop + "\r\n", app: "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + okHead + "Content-Length: 2\r\n\r\nok"},
	{name: "continue that nobody asked for", request: getShop, app: "HTTP/1.1 100 Continue\r\n\r\n" + okHead + "Content-Length: 2\r\n\r\nok", h2c: true},
	{name: "continue for HTTP/1.0", request: "POST / HTTP/1.0\r\n" + toShop + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab", app: "HTTP/1.1 100 Continue\r\n\r\n" + okHead + "Content-Length: 2\r\n\r\nok"},
	{name: "other protocol", request: getShop, app: "SSH-2.0-OpenSSH_9.2\r\n\r\n", h2c: true},
	{name: "version 2 in a line", request: getShop, app: "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "version 1.2", request: getShop, app: "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "an empty line", request: getShop, app: "\r\n", h2c: true},
	{name: "no content with a length", request: getShop, app: "HTTP/1.1 204 No Content\r\n" + withDate + "Content-Length: 5\r\n\r\nhello", h2c: true},
	{name: "not modified with a length", request: getShop, app: "HTTP/1.1 304 Not Modified\r\n" + withDate + "Content-Type: text/plain\r\nContent-Length: 5\r\nEtag: x\r\n\r\n", h2c: true},
	{name: "head", request: "HEAD / HTTP/1.1\r\n" + toShop + "\r\n", app: okHead + "Content-Length: 5\r\nContent-Type: text/plain\r\n\r\n", h2c: true},
}

var trailerCases = []routeCase{
	{name: "announced trailer", request: getShop, app: okHead + "Trailer: X-Sum\r\n" + chunked + "\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", h2c: true},
	{name: "trailer that was not announced", request: getShop, app: okChunked + "\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", h2c: true},
	{name: "trailers that frame or route", request: getShop, app: okChunked + "\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: x\r\nConnection: X\r\nTrailer: y\r\nX: y\r\n\r\n", h2c: true},
	{name: "announced trailer of a response that frames", request: getShop, app: okHead + "Trailer: Content-Length, X\r\n" + chunked + "\r\n2\r\nok\r\n0\r\nContent-Length: 9\r\nX: y\r\n\r\n", h2c: true},
	{name: "trailer with the name of a field", request: getShop, app: okHead + "X: head\r\nTrailer: X\r\n" + chunked + "\r\n2\r\nok\r\n0\r\nX: tail\r\n\r\n", h2c: true},
	{name: "trailer with the name of a field, not announced", request: getShop, app: okHead + "X: head\r\n" + chunked + "\r\n2\r\nok\r\n0\r\nX: tail\r\n\r\n", h2c: true},
	{name: "folded trailer of a response", request: getShop, app: okChunked + "\r\n2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n"},
	{name: "two lengths of a response", request: getShop, app: okHead + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", h2c: true},
	{name: "the same length of a response twice", request: getShop, app: okHead + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", h2c: true},
	{name: "length of a response that is no number", request: getShop, app: okHead + "Content-Length: +2\r\n\r\nok", h2c: true},
	{name: "length and chunks of a response", request: getShop, app: okHead + "Content-Length: 3\r\n" + chunked + "\r\n2\r\nok\r\n0\r\n\r\n", h2c: true},
	{name: "chunks of a response in HTTP/1.0", request: getShop, app: "HTTP/1.0 200 OK\r\n" + withDate + chunked + "\r\n2\r\nok\r\n0\r\n\r\n", h2c: true},
	{name: "gzip as a transfer encoding", request: getShop, app: okHead + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", h2c: true},
	{name: "shorter than its length", request: getShop, app: okHead + "Content-Length: 9\r\n\r\nhello"},
	{name: "nothing of its length", request: getShop, app: okHead + "Content-Length: 9\r\n\r\n"},
	{name: "nothing of its chunks", request: getShop, app: okChunked + "\r\n"},
	{name: "longer than its length", request: getShop, app: okHead + "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n", h2c: true},
	{name: "response in HTTP/1.0", request: getShop, app: "HTTP/1.0 200 OK\r\n" + withDate + "\r\nhello", h2c: true},
	{name: "chunk extensions of a response", request: getShop, app: okChunked + "\r\n2;a=b\r\nhe\r\n3\nllo\r\n0\r\n\r\n", h2c: true},
	{name: "until the end of the connection", request: getShop, app: okHead + "\r\nok", h2c: true},
	{name: "no last chunk", request: getShop, app: okChunked + "\r\n2\r\nok\r\n"},
	{name: "chunk of a response longer than its size", request: getShop, app: okChunked + "\r\n2\r\nokay\r\n0\r\n\r\n"},
}

var headerCases = []routeCase{
	{name: "no date", request: getShop, app: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", h2c: true},
	{name: "no date, not found", request: getShop, app: "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nok", h2c: true},
	{name: "LF alone in the head", request: getShop, app: "HTTP/1.1 200 OK\nDate: " + oldDate + "\nContent-Length: 2\n\nok", h2c: true},
	{name: "folded field", request: getShop, app: okHead + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "field without a colon", request: getShop, app: okHead + "X\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "space before the colon of a field", request: getShop, app: okHead + "Content-Length : 2\r\n\r\nok", h2c: true},
	{name: "NUL in a field", request: getShop, app: okHead + "X: a\x00b\r\nContent-Length: 0\r\n\r\n", h2c: true},
	{name: "hop-by-hop fields of a response", request: getShop, app: okHead + "Connection: X-A, close\r\nX-A: 1\r\nX-B: 2\r\nKeep-Alive: 5\r\nUpgrade: x\r\nProxy-Authenticate: x\r\nContent-Length: 2\r\n\r\nok", h2c: true},
	{name: "repeated fields", request: getShop, app: okHead + "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok", h2c: true},
	{name: "the activator's own field", request: getShop, app: "HTTP/1.1 103 Early Hints\r\nHeadway-Answer: no-pod\r\nLink: x\r\n\r\n" + okHead + "headway-answer: no-pod\r\nTrailer: Headway-Answer\r\n" + chunked + "\r\n2\r\nok\r\n0\r\nHeadway-Answer: no-pod\r\n\r\n", h2c: true},
	{name: "half a head", request: getShop, app: "HTTP/1.1 200 OK\r\nX: ", h2c: true},
	{name: "endless head", request: getShop, app: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 80<<10), h2c: true},
}
