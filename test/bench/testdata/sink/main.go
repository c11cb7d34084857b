// Command sink takes events and tells how many there were, how many different
// ones, and how long they took since the moment in their attribute sent, in
// nanoseconds of Unix time.
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

type sink struct {
	mu         sync.Mutex
	deliveries int
	ids        map[string]struct{}
	took       []float64 // milliseconds
	last       time.Time
}

func (s *sink) take(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries++
	id := r.Header.Get("Ce-Id")
	if _, again := s.ids[id]; again {
		return
	}
	s.ids[id] = struct{}{}
	s.last = now
	if sent, err := strconv.ParseInt(r.Header.Get("Ce-Sent"), 10, 64); err == nil {
		s.took = append(s.took, now.Sub(time.Unix(0, sent)).Seconds()*1000)
	}
}

func (s *sink) tell(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.took)
	if err := json.NewEncoder(w).Encode(map[string]any{
		"deliveries": s.deliveries, "distinct": len(s.ids), "last": s.last.UnixNano(), "took": s.took,
	}); err != nil {
		log.Print(err)
	}
}

func (s *sink) reset(http.ResponseWriter, *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries, s.ids, s.took, s.last = 0, map[string]struct{}{}, nil, time.Time{}
}

func main() {
	s := &sink{ids: map[string]struct{}{}}
	http.HandleFunc("POST /events", s.take)
	http.HandleFunc("GET /{$}", s.tell)
	http.HandleFunc("DELETE /{$}", s.reset)
	log.Fatal(http.ListenAndServe(":"+os.Getenv("PORT"), nil))
}
