package watcher

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// seat is what a replica knows of the election.
type seat struct {
	mu      sync.Mutex
	leads   bool
	address string
}

func (s *seat) Leads() bool     { s.mu.Lock(); defer s.mu.Unlock(); return s.leads }
func (s *seat) Address() string { s.mu.Lock(); defer s.mu.Unlock(); return s.address }

func (s *seat) set(leads bool, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leads, s.address = leads, address
}

// TestOnLeader: any replica can be asked, and the one that leads answers, once.
func TestOnLeader(t *testing.T) {
	// Two replicas share a port, on two addresses of this machine.
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(first.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	second, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	seats := map[string]*seat{"127.0.0.1": {}, "127.0.0.2": {}}
	for _, listener := range []net.Listener{first, second} {
		ip, _, _ := net.SplitHostPort(listener.Addr().String())
		handler, err := newOnLeader(seats[ip], ":"+port, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, ip+" "+r.URL.Path+" "+string(body)+" "+r.Header.Get("X-Signature"))
		}), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(handler)
		server.Listener = listener
		server.Start()
		t.Cleanup(server.Close)
	}
	ask := func(ip string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+net.JoinHostPort(ip, port)+"/webhook", strings.NewReader("push"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Signature", "s")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	want := func(ip string, code int, body string) {
		t.Helper()
		if gotCode, got := ask(ip); gotCode != code || !strings.HasPrefix(got, body) {
			t.Errorf("%s answers %d %q, want %d %q", ip, gotCode, got, code, body)
		}
	}
	seats["127.0.0.1"].set(true, "127.0.0.1")
	seats["127.0.0.2"].set(false, "127.0.0.1")
	want("127.0.0.1", http.StatusOK, "127.0.0.1 /webhook push s")
	want("127.0.0.2", http.StatusOK, "127.0.0.1 /webhook push s")

	// One that leads no more, and is still taken for the leader, passes nothing on.
	seats["127.0.0.1"].set(false, "127.0.0.2")
	want("127.0.0.2", http.StatusServiceUnavailable, "no watcher leads")

	// A request that waits is answered by who becomes the leader.
	seats["127.0.0.2"].set(false, "")
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		want("127.0.0.2", http.StatusOK, "127.0.0.2 /webhook push s")
	}()
	seats["127.0.0.2"].set(true, "127.0.0.2")
	<-answered
}
