package activator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// echoService has a unary and a bidirectional method, without generated code.
var echoService = grpc.ServiceDesc{
	ServiceName: "test.Echo",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.StringValue)
		if err := decode(in); err != nil {
			return nil, err
		}
		_ = grpc.SetTrailer(ctx, metadata.Pairs("x-said", in.Value))
		if in.Value == "fail" {
			return nil, status.Error(codes.FailedPrecondition, "asked to fail")
		}
		return in, nil
	}}},
	Streams: []grpc.StreamDesc{{StreamName: "Talk", ServerStreams: true, ClientStreams: true, Handler: func(_ any, s grpc.ServerStream) error {
		for {
			in := new(wrapperspb.StringValue)
			switch err := s.RecvMsg(in); {
			case errors.Is(err, io.EOF):
				s.SetTrailer(metadata.Pairs("x-end", "reached"))
				return nil
			case err != nil:
				return err
			}
			if err := s.SendMsg(in); err != nil {
				return err
			}
		}
	}}},
}

func TestGRPC(t *testing.T) {
	app := grpc.NewServer()
	app.RegisterService(&echoService, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	f := newFixture(t, backend.Settings{})
	conn, err := grpc.NewClient("passthrough:///"+f.addr, grpc.WithAuthority(appHost), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { conn.Close(); app.Stop(); <-served }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()

	// The first call wakes the app: it starts while the call waits.
	first := make(chan error, 1)
	go func() {
		first <- conn.Invoke(ctx, "/test.Echo/Say", wrapperspb.String("hello"), new(wrapperspb.StringValue))
	}()
	eventually(t, "the call waits", func() bool { return f.rev.Load().Queued == 1 })
	f.rev.Update([]backend.Endpoint{{UID: "1", Addr: l.Addr().String()}})
	go func() { served <- app.Serve(l) }()
	if err := <-first; err != nil {
		t.Fatal(err)
	}

	for range 200 { // an error is one frame, and was split now and then
		var trailer metadata.MD
		err = conn.Invoke(ctx, "/test.Echo/Say", wrapperspb.String("fail"), new(wrapperspb.StringValue), grpc.Trailer(&trailer))
		if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != "asked to fail" {
			t.Fatalf("got %v, want the app's error", err)
		}
		if got := trailer.Get("x-said"); len(got) != 1 || got[0] != "fail" {
			t.Fatalf("trailer %v", trailer)
		}
	}

	stream, err := conn.NewStream(ctx, &echoService.Streams[0], "/test.Echo/Talk")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		out := new(wrapperspb.StringValue)
		if err := errors.Join(stream.SendMsg(wrapperspb.String(fmt.Sprint(i))), stream.RecvMsg(out)); err != nil || out.Value != fmt.Sprint(i) {
			t.Fatalf("message %d: %q, %v", i, out.Value, err)
		}
	}
	if got := f.rev.Load().InFlight; got != 1 {
		t.Errorf("%d in flight while the stream is open, want 1", got)
	}
	_ = stream.CloseSend()
	if err := stream.RecvMsg(new(wrapperspb.StringValue)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v at the end", err)
	}
	if got := stream.Trailer().Get("x-end"); len(got) != 1 {
		t.Errorf("trailer %v", stream.Trailer())
	}
	eventually(t, "nothing in flight", func() bool { return f.rev.Load().InFlight == 0 })
}

// TestGRPCClientsGetAStatus: what the activator itself answers is a status of
// the call with a text, and is logged and counted as what it is over HTTP.
func TestGRPCClientsGetAStatus(t *testing.T) {
	silent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	broken := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, c := range []struct {
		name, host string
		app        http.Handler // nil: no pod
		code       codes.Code
		text       string
		logged     float64
	}{
		{"unknown host", "nobody.localhost", nil, codes.Unimplemented, `No app answers to the host "nobody.localhost".`, 404},
		{"revision gone", "gone.localhost", nil, codes.Unavailable, `Revision "shop-gone" of app "shop" does not exist`, 503},
		{"no pod", appHost, nil, codes.Unavailable, `No pod of revision "shop-1a2b3c4d"`, 503},
		{"no response in time", appHost, silent, codes.DeadlineExceeded, "did not begin to answer within 300ms", 504},
		{"connection broken", appHost, broken, codes.Unavailable, "closed the connection", 502},
	} {
		t.Run(c.name, func(t *testing.T) {
			var apps []http.Handler
			if c.app != nil {
				apps = append(apps, c.app)
			}
			f := newFixture(t, backend.Settings{Timeout: 300 * time.Millisecond}, apps...)
			lines := make(chan []byte, 10) // more than a client that tries again needs
			f.logs = writer(func(b []byte) (int, error) { lines <- bytes.Clone(b); return len(b), nil })
			f.access.Switch(true)
			conn, err := grpc.NewClient("passthrough:///"+f.addr, grpc.WithAuthority(c.host), grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err = conn.Invoke(ctx, "/test.Echo/Say", wrapperspb.String("hello"), new(wrapperspb.StringValue))
			if status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.text) {
				t.Errorf("got %v, want %v with %q", err, c.code, c.text)
			}
			var line map[string]any
			if err := json.Unmarshal(<-lines, &line); err != nil || line["status"] != c.logged {
				t.Errorf("logged with the status %v, %v; want %v", line["status"], err, c.logged)
			}
		})
	}
}

// TestImpossibleStatusOverHTTP2: net/http takes any number for a status, and
// panics when it writes one.
func TestImpossibleStatusOverHTTP2(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- answerHTTP2(l, "099") }()
	f := newFixture(t, backend.Settings{})
	f.rev.Update([]backend.Endpoint{{UID: "1", Addr: l.Addr().String(), Ready: true}})
	defer func() { f.rev.Update(nil); <-served }()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+appHost+"/a.B/C", http.NoBody)
	req.Header.Set("Content-Type", "application/grpc")
	resp, err := f.client(true).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Grpc-Status"); resp.StatusCode != http.StatusOK || got != "14" {
		t.Errorf("%s, grpc-status %q; want 200, 14", resp.Status, got)
	}
}

// answerHTTP2 serves one connection of HTTP/2 and answers every request with
// status and nothing else.
func answerHTTP2(l net.Listener, status string) error {
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return err
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		return err
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return err
		}
		if _, ok := frame.(*http2.HeadersFrame); !ok {
			continue
		}
		var block bytes.Buffer
		_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: status})
		err = framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: frame.Header().StreamID, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true,
		})
		if err != nil {
			return err
		}
	}
}
