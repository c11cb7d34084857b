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

// TestOpenLoopCountsWaits: all requests wait for the 50th to come, so each has
// waited at least from when it was due until that one was.
func TestOpenLoopCountsWaits(t *testing.T) {
	const perSecond, held = 1000, 50
	var arrived atomic.Int64
	open := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "app.test" || r.RequestURI != "/healthz?x=1" {
			t.Errorf("asked for %s of %s", r.RequestURI, r.Host)
		}
		if arrived.Add(1) == held {
			close(open)
		}
		<-open
		fmt.Fprintln(w, "ok")
	}))
	defer server.Close()

	took, err := openLoop(t.Context(), server.URL+"/healthz?x=1", "app.test", perSecond, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if len(took) != 100 || arrived.Load() != 100 {
		t.Errorf("%d requests arrived, %d were answered, want 100", arrived.Load(), len(took))
	}
	// Sorted, the held ones are the last; the first of all waited longest.
	for n := range held {
		if least := float64(held - 1 - n); took[len(took)-1-n] < least {
			t.Errorf("request %d took %v ms, want %v at least", n, took[len(took)-1-n], least)
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
	if _, err := openLoop(t.Context(), server.URL, "app.test", 1000, 50*time.Millisecond); err == nil {
		t.Error("a load with a failed request counts")
	}
}

func TestSkipAnswer(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\nDate: x\r\n\r\nok\n"
	from := bufio.NewReader(strings.NewReader(good + good))
	for range 2 {
		if err := skipAnswer(from); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{
		"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok\n",
	} {
		if err := skipAnswer(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("took %q for an answer", bad)
		}
	}
}
