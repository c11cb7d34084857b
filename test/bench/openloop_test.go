package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestOpenLoopCountsWaits: the other side pauses until all connections have a
// request, and 30 ms longer. Each request counts from when it was due, also those
// that were due in the pause and could not even be sent.
func TestOpenLoopCountsWaits(t *testing.T) {
	const (
		perSecond = 1000 // one is due in each millisecond
		longer    = 30 * time.Millisecond
		pause     = openConnections - 1 + 30 // milliseconds
	)
	var arrived atomic.Int64
	open := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "app.test" || r.RequestURI != "/healthz?x=1" {
			t.Errorf("asked for %s of %s", r.RequestURI, r.Host)
		}
		if arrived.Add(1) == openConnections {
			time.AfterFunc(longer, func() { close(open) })
		}
		<-open
		fmt.Fprintln(w, "ok")
	}))
	defer server.Close()

	load, err := getting(server.URL+"/healthz?x=1", "app.test", perSecond, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	took, err := openLoop(t.Context(), load)
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 100 || arrived.Load() != 100 {
		t.Errorf("%d requests arrived, %d were answered, want 100", arrived.Load(), len(took))
	}
	// The first of all waited longest.
	for n := range pause {
		if least := float64(pause - n); took[len(took)-1-n] < least {
			t.Errorf("the time of request %d from its due is %v ms, want %v at least", n, took[len(took)-1-n], least)
		}
	}
}

// TestOpenLoopFails: an answer that is no success ends the load with an error.
func TestOpenLoopFails(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 7 {
			http.Error(w, "no", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	load, err := getting(server.URL, "app.test", 1000, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openLoop(t.Context(), load); err == nil {
		t.Error("a load with a failed request counts")
	}
}

func TestSkipAnswer(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nDate: x\r\n\r\nok\n"
	from := bufio.NewReader(strings.NewReader(good + good))
	for range 2 {
		if err := skipAnswer(from, http.StatusOK); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{
		"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok\n",
	} {
		if err := skipAnswer(bufio.NewReader(strings.NewReader(bad)), http.StatusOK); err == nil {
			t.Errorf("took %q for an answer", bad)
		}
	}
}
