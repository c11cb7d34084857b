package activator

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/websocket"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

func TestServerSentEventsArriveOneByOne(t *testing.T) {
	next := make(chan struct{})
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next // the next event is only sent when this one has arrived
		}
	}))
	for _, h2 := range []bool{false, true} {
		resp, err := f.client(h2).Get("http://" + appHost)
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(resp.Body)
		for i := range 3 {
			line, err := r.ReadString('\n')
			if err != nil || line != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("h2 %v: event %d: %q, %v", h2, i, line, err)
			}
			_, _ = r.ReadString('\n')
			next <- struct{}{}
		}
		resp.Body.Close()
	}
}

func TestWebSocket(t *testing.T) {
	f := newFixture(t, backend.Settings{Timeout: 200 * time.Millisecond, Limit: 1},
		websocket.Handler(func(ws *websocket.Conn) { _, _ = io.Copy(ws, ws) }))
	conn, _ := f.raw()
	cfg, _ := websocket.NewConfig("ws://"+appHost+"/", "http://"+appHost)
	ws, err := websocket.NewClient(cfg, conn)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := websocket.Message.Send(ws, fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := websocket.Message.Receive(ws, &got); err != nil || got != fmt.Sprint("message ", i) {
			t.Fatalf("got %q, %v", got, err)
		}
		time.Sleep(150 * time.Millisecond) // longer than the timeout in all
	}
	if got := f.rev.Load().InFlight; got != 1 {
		t.Errorf("%d in flight while the WebSocket is open, want 1", got)
	}
	ws.Close()
	eventually(t, "its place is free", func() bool { return f.rev.Load().InFlight == 0 })
}

func TestUnknownUpgradeProtocolPassesThrough(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "h2c" || r.Header.Get("Http2-Settings") != "" {
			t.Error("a cleartext HTTP/2 upgrade reached the app")
		}
		if r.Header.Get("Upgrade") != "chat" {
			return
		}
		conn, rw, _ := http.NewResponseController(w).Hijack()
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, strings.ToUpper(line))
	}))
	conn, r := f.raw()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+appHost+"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
	expect(t, r, 200, "")
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+appHost+"\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\nhello\n")
	if line, err := r.ReadString('\n'); err != nil || line != "HTTP/1.1 101 Switching Protocols\r\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	if _, err := textproto.NewReader(r).ReadMIMEHeader(); err != nil {
		t.Fatal(err)
	}
	if line, err := r.ReadString('\n'); err != nil || line != "HELLO\n" {
		t.Fatalf("got %q, %v", line, err)
	}
}

// echo sends back each line of the request while the request goes on.
func echo(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	_ = rc.EnableFullDuplex()
	_ = rc.Flush()
	for s := bufio.NewScanner(r.Body); s.Scan(); {
		fmt.Fprintf(w, "echo %s\n", s.Text())
		_ = rc.Flush()
	}
}

func TestFullDuplex(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(echo))
	for _, h2 := range []bool{false, true} {
		pr, pw := io.Pipe()
		req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+appHost, pr)
		resp, err := f.client(h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(resp.Body)
		for i := range 5 {
			fmt.Fprintf(pw, "%d\n", i)
			if line, err := r.ReadString('\n'); err != nil || line != fmt.Sprintf("echo %d\n", i) {
				t.Fatalf("h2 %v: %q, %v", h2, line, err)
			}
		}
		pw.Close()
		if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
			t.Errorf("h2 %v: %q, %v after the end", h2, rest, err)
		}
		resp.Body.Close()
	}
}

func TestTrailers(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.Copy(w, r.Body)
		w.Header().Set("X-Sum", "got "+r.Trailer.Get("X-Digest"))
		w.Header().Set(http.TrailerPrefix+"X-Late", "unannounced")
	}))
	for _, h2 := range []bool{false, true} {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+appHost, io.MultiReader(strings.NewReader("body")))
		req.Trailer = http.Header{"X-Digest": {"abc"}}
		resp, err := f.client(h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(body) != "body" {
			t.Errorf("h2 %v: %q, %v", h2, body, err)
		}
		if diff := cmp.Diff(http.Header{"X-Sum": {"got abc"}, "X-Late": {"unannounced"}}, resp.Trailer); diff != "" {
			t.Errorf("h2 %v: trailers (-want +got):\n%s", h2, diff)
		}
	}
}

func TestExpectContinueIsTheAppsDecision(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	for path, want := range map[string]int{"/yes": 200, "/no": 413} {
		continued := false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { continued = true }})
		req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+appHost+path, strings.NewReader("large"))
		req.Header.Set("Expect", "100-continue")
		resp, err := f.client(false).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || continued != (want == 200) {
			t.Errorf("%s: %s, asked to continue: %v", path, resp.Status, continued)
		}
	}
}

func TestInformationalResponses(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "done")
	}))
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = append(hints, fmt.Sprint(code, " ", h.Get("Link")))
		return nil
	}})
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+appHost, nil)
	resp, err := f.client(false).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := []string{"103 </style.css>; rel=preload"}; !cmp.Equal(hints, want) {
		t.Errorf("got %q, want %q", hints, want)
	}
}

func TestLargeBodiesBothWays(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Received", fmt.Sprint(n))
		_, _ = io.CopyN(w, zeros{}, 20<<20)
	}))
	for _, h2 := range []bool{false, true} {
		req, _ := http.NewRequestWithContext(t.Context(), "PUT", "http://"+appHost, io.LimitReader(zeros{}, 10<<20))
		req.ContentLength = 10 << 20
		resp, err := f.client(h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || n != 20<<20 || resp.Header.Get("X-Received") != "10485760" {
			t.Errorf("h2 %v: %d bytes, %v, the app got %s", h2, n, err, resp.Header.Get("X-Received"))
		}
	}
}

func TestResponseThatBreaksOffIsNotMadeWhole(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	for _, h2 := range []bool{false, true} {
		resp, err := f.client(h2).Get("http://" + appHost)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil || string(body) != "half" {
			t.Errorf("h2 %v: %q, error %v; want half and an error", h2, body, err)
		}
	}
}

func TestVanishedClientEndsItsRequest(t *testing.T) {
	entered, ended := make(chan struct{}), make(chan error, 1)
	f := newFixture(t, backend.Settings{Limit: 1}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-r.Context().Done()
		ended <- r.Context().Err()
	}))
	for _, h2 := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+appHost, nil)
		failed := make(chan error, 1)
		client := f.client(h2)
		go func() {
			resp, err := client.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			failed <- err
		}()
		<-entered
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		<-ended
		eventually(t, "its place is free", func() bool { return f.rev.Load().InFlight == 0 })
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
