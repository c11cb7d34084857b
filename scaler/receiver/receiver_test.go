package receiver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/scaler/report"
)

var shop = report.Key{Namespace: "default", Name: "shop-1a2b3c4d"}

// start serves on a port of this machine.
func start(t *testing.T, api *apiServer) (r *Receiver, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r = New(Options{
		Activators: types.NamespacedName{Namespace: "headway-system", Name: "headway-activator"},
		Client:     api.client(), Changed: func(report.Key) {},
	})
	r.Reports.Logger = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r, listener.Addr().String()
}

// only lets one token in.
func only(token string) *apiServer {
	return &apiServer{review: func(spec authenticationv1.TokenReviewSpec) (authenticationv1.TokenReviewStatus, error) {
		if spec.Token != token {
			return authenticationv1.TokenReviewStatus{}, nil
		}
		return good(), nil
	}}
}

// reportAs runs an activator whose requests are what is returned.
func reportAs(t *testing.T, token, address string) (set func(requests uint64)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	sample := report.Sample{Key: shop}
	c := report.NewClient(report.Options{
		To: address, Identity: "activator", TokenFile: file, Logger: slog.New(slog.DiscardHandler),
		Samples: func(yield func(report.Sample)) {
			mu.Lock()
			defer mu.Unlock()
			yield(sample)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return func(requests uint64) {
		mu.Lock()
		defer mu.Unlock()
		sample.Requests = requests
	}
}

// from dials from another address of this machine.
func from(address string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
}

// TestJunkTokensMakeNobodyBlind: while 10,000 tokens are tried that say of
// themselves what an activator's says, an activator goes on reporting, another
// one begins to, and the API server is asked no more often than it may be.
func TestJunkTokensMakeNobodyBlind(t *testing.T) {
	// Each address sends several at once, as one that waits for its turn waits
	// for all others.
	const junk, addresses, each = 10_000, 8, 20
	mine := looksGood(-1)
	api := only(mine)
	r, address := start(t, api)
	set := reportAs(t, mine, address)
	began := time.Now()
	until(t, "an activator reports", func() bool { return r.Reports.Streams() == 1 })

	var sent sync.WaitGroup
	for sender := range addresses * each {
		client := from(fmt.Sprintf("127.0.0.%d", 2+sender%addresses))
		sent.Go(func() {
			for i := range junk / addresses / each {
				request, _ := http.NewRequest(http.MethodPost, "http://"+address+report.Path, nil)
				request.Header.Set("Authorization", "Bearer "+looksGood(sender*junk+i))
				// The oldest connections end when there are too many.
				if response, err := client.Do(request); err == nil {
					if response.Body.Close(); response.StatusCode < 400 {
						t.Errorf("a junk token was answered with %s", response.Status)
					}
				}
			}
		})
	}
	late := reportAs(t, mine, address)
	until(t, "another activator reports", func() bool { return r.Reports.Streams() == 2 })
	sent.Wait()
	took := time.Since(began)

	if got, most := api.asked.Load(), int64(reviewBurst+took/reviewEvery+1); got > most {
		t.Errorf("the API server was asked %d times in %s, want at most %d", got, took, most)
	}
	for _, requests := range []func(uint64){set, late} {
		requests(7)
	}
	until(t, "both are heard", func() bool {
		reports := r.Reports.Reports(shop)
		return len(reports) == 2 && reports[0].Requests == 7 && reports[1].Requests == 7
	})
	for _, report := range r.Reports.Reports(shop) {
		if report.Stream != "activator#1" && report.Stream != "activator#2" {
			t.Errorf("a stream broke off and came again as %s", report.Stream)
		}
	}
}

// TestStrangersAreFewAndEnd: connections that show nothing keep nobody out.
func TestStrangersAreFewAndEnd(t *testing.T) {
	mine := looksGood(-1)
	r, address := start(t, only(mine))
	var silent []net.Conn
	for i := range 3 * mostStrangers {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("127.0.1.%d", i%64))}}
		conn, err := dialer.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	reportAs(t, mine, address)
	until(t, "an activator reports", func() bool { return r.Reports.Streams() == 1 })
	for i, conn := range silent[:mostStrangers] {
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Fatalf("connection %d of %d stays: %v", i, len(silent), err)
		}
	}
}

// TestRefusedStreamsEnd: what they still send is not waited for.
func TestRefusedStreamsEnd(t *testing.T) {
	_, address := start(t, only(""))
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nAuthorization: Bearer junk\r\n\r\n2\r\n{}", report.Path)
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusUnauthorized || !response.Close {
		t.Errorf("%s, close %v, %v", response.Status, response.Close, err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the connection stays: %v", err)
	}
}

// until waits for what another goroutine does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
