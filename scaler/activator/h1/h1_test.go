package h1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/scaler/activator/peer"
	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/activator/trace"
)

var somebody = client{addr: "192.0.2.1:99", ip: "192.0.2.1", forwarded: "for=192.0.2.1"}

func TestRequestIsWrittenAnew(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"small", "GET /a?b HTTP/1.1\r\nhost:  shop.localhost \r\nX-A: 1\r\nx-a: 2\r\n\r\n",
			"GET /a?b HTTP/1.1\r\nhost: shop.localhost\r\nX-A: 1\r\nx-a: 2\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: shop.localhost\r\n" +
				"X-Forwarded-Proto: http\r\nForwarded: for=192.0.2.1;host=shop.localhost;proto=http\r\n\r\n"},
		{"behind another proxy", "GET / HTTP/1.1\r\nHost: a:80\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nForwarded: for=1.1.1.1\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a:80\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, 192.0.2.1\r\n" +
				"Forwarded: for=1.1.1.1, for=192.0.2.1;host=\"a:80\";proto=http\r\n\r\n"},
		{"hop by hop", "POST / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nProxy-Authorization: x\r\nContent-Length: 007\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nContent-Length: 7\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\nForwarded: for=192.0.2.1;host=a;proto=http\r\n\r\n"},
	} {
		var r request
		if err := r.parse([]byte(c.in)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.out, string(appendRequest(nil, &r, &somebody, peer.Hop{}, nil))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestWhatIsNotPlain(t *testing.T) {
	for name, in := range map[string]string{
		"HTTP/1.0":         "GET / HTTP/1.0\r\n\r\n",
		"absolute target":  "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"upgrade":          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"chunked":          "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
		"expectation":      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
		"large body":       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n",
		"named hop-by-hop": "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-A\r\n\r\n",
	} {
		if err := new(request).parse([]byte(in)); !errors.Is(err, errNotPlain) {
			t.Errorf("%s: got %v, want errNotPlain", name, err)
		}
	}
}

// FuzzParse: net/http understands what is sent to a pod exactly as this
// package understood what the client sent, and so did it from the client.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a:1\r\nContent-Length: 3\r\nX-Forwarded-For: 1\r\nForwarded: for=x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nConnection: close\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a\r\nTrailer: x\r\nTE: y, trailers\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET //\xff?%zz#a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: a:b\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		end, _, err := headEnd(raw, 0)
		if err != nil || end == 0 {
			return
		}
		var r request
		if err := r.parse(raw[:end]); err != nil {
			return
		}
		in, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw[:end])))
		if err != nil {
			t.Fatalf("net/http refuses what was taken: %v", err)
		}
		out, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(appendRequest(nil, &r, &somebody, peer.Hop{}, nil))))
		if err != nil {
			t.Fatalf("net/http refuses what is sent: %v", err)
		}
		if in.Method != out.Method || in.RequestURI != out.RequestURI || in.Host != out.Host || in.ContentLength != out.ContentLength ||
			len(out.TransferEncoding) > 0 || out.ContentLength != r.length {
			t.Fatalf("in %+v\nout %+v", in, out)
		}
		for name := range in.Header {
			if !slices.Contains(changed, name) && !slices.Equal(in.Header[name], out.Header[name]) {
				t.Fatalf("%s: %q became %q", name, in.Header[name], out.Header[name])
			}
		}
	})
}

var changed = []string{
	"Connection", "Keep-Alive", "Te", "Trailer", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
	"Http2-Settings", "Headway-Revision", "Headway-Hops", "Content-Length", "X-Forwarded-For", "Forwarded",
}

// FuzzChunks compares with net/http's reader, whatever the pieces in which the
// bytes come.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), uint8(3))
	f.Add([]byte("2;a=b\r\nhe\r\n3\nllo\r\n0\r\nX: y\r\nContent-Length: 3\r\n\r\nrest"), uint8(1))
	f.Add([]byte("ffffffffffffffff\r\n"), uint8(9))
	f.Add([]byte("5\r\nhelloX0\r\n\r\n"), uint8(2))
	f.Fuzz(func(t *testing.T, raw []byte, piece uint8) {
		var c chunks
		var out, pending []byte
		var err error
		for rest := raw; err == nil && c.state != done && len(rest) > 0; {
			n := min(int(piece)+1, len(rest))
			pending, rest = append(pending, rest[:n]...), rest[n:]
			var taken int
			out, taken, err = c.step(out, pending)
			pending = pending[taken:]
		}
		if err != nil || c.state != done {
			return
		}
		want, wantErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw)))
		got, gotErr := http.ReadResponse(bufio.NewReader(io.MultiReader(
			strings.NewReader("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), bytes.NewReader(out))), nil)
		if gotErr != nil {
			t.Fatal(gotErr)
		}
		defer got.Body.Close()
		body, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatalf("what is sent is not chunked: %v\n%q", err, out)
		}
		if wantErr == nil && !bytes.Equal(body, want) {
			t.Fatalf("got %q, net/http reads %q", body, want)
		}
		if got.Trailer.Get("Content-Length") != "" || got.Trailer.Get("Host") != "" {
			t.Fatalf("trailers %v", got.Trailer)
		}
	})
}

func BenchmarkRequestHead(b *testing.B) {
	raw := []byte("GET /products/42?view=full HTTP/1.1\r\nHost: shop.localhost:8080\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n" +
		"Cookie: session=0123456789abcdef\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n")
	var r request
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		if err := r.parse(raw); err != nil {
			b.Fatal(err)
		}
		out = appendRequest(out[:0], &r, &somebody, peer.Hop{}, nil)
	}
}

// FuzzTraceHeaders: while tracing is on, a pod gets one well-formed
// traceparent, whatever the client sends, and a tracestate only with it.
func FuzzTraceHeaders(f *testing.F) {
	f.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	f.Setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
	f.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")
	tracer, err := trace.FromEnvironment("x", slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"
	for _, seed := range []string{good + "0", good + "1", good + "1\r\ntraceparent: " + good + "0", "00-", "", "cc" + good[2:] + "1-x", "\r\ntracestate: a=1,,\r\nTracestate: b"} {
		f.Add(seed)
	}
	wellFormed := regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$`)
	f.Fuzz(func(t *testing.T, headers string) {
		raw := []byte("GET / HTTP/1.1\r\nHost: a\r\ntracestate: a=1\r\nTraceparent: " + headers + "\r\n\r\n")
		c := conn{}
		if end, _, err := headEnd(raw, 0); err != nil || end != len(raw) || c.req.parse(raw) != nil {
			return
		}
		traced := tracer.Begin(c.Traceparent())
		if traced.Wanted() {
			traced.Start(c.Describe())
		}
		out, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(appendRequest(nil, &c.req, &somebody, peer.Hop{}, &traced))))
		if err != nil {
			t.Fatalf("net/http refuses what is sent: %v", err)
		}
		if got := out.Header["Traceparent"]; len(got) != 1 || !wellFormed.MatchString(got[0]) {
			t.Fatalf("%q became %q", headers, got)
		}
		if got := out.Header.Get("Tracestate"); got != "" && !strings.Contains(headers, out.Header.Get("Traceparent")[3:35]) {
			t.Fatalf("%q: the state %q belongs to another trace", headers, got)
		}
		traced.End(record.Outcome{Status: 200})
	})
}
