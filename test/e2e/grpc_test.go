//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/headway-dev/headway/deploy/local/layout"
)

// TestGRPCWakesAnApp: a call and a stream begin on an app that sleeps; messages,
// statuses and trailers come as the app sent them.
func TestGRPCWakesAnApp(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	revision := tm.startMeter("{idle: 2s}")
	host := strings.TrimSuffix(strings.TrimPrefix(tm.url("meter"), "http://"), "/")
	conn, err := grpc.NewClient("passthrough:///127.0.0.1:"+layout.PublicPort,
		grpc.WithAuthority(host), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	tm.waitAsleep(revision)
	said := new(wrapperspb.StringValue)
	if err := conn.Invoke(ctx, "/test.Echo/Say", wrapperspb.String("hello"), said); err != nil || said.Value != "hello" {
		t.Fatalf("the call that wakes the app: %q, %v", said.Value, err)
	}
	var trailer metadata.MD
	err = conn.Invoke(ctx, "/test.Echo/Say", wrapperspb.String("fail"), said, grpc.Trailer(&trailer))
	if status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != "asked to fail" {
		t.Errorf("got %v, want the app's own error", err)
	}
	if got := trailer.Get("x-end"); len(got) != 1 {
		t.Errorf("the trailers are %v", trailer)
	}

	tm.waitAsleep(revision)
	ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/test.Echo/Talk")
	if err != nil {
		t.Fatalf("the stream that wakes the app: %v", err)
	}
	for i := range 20 {
		text := fmt.Sprint("message ", i)
		if err := errors.Join(stream.SendMsg(wrapperspb.String(text)), stream.RecvMsg(said)); err != nil || said.Value != text {
			t.Fatalf("message %d: %q, %v", i, said.Value, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(said); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v", err)
	}
	if got := stream.Trailer().Get("x-end"); len(got) != 1 {
		t.Errorf("the trailers are %v", stream.Trailer())
	}
}
