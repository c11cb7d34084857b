package main

import (
	"encoding/json"
	"net/http"
	"sync"
)

// An entry is an event that has come.
type entry struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject,omitempty"`
	// Times is more than 1 if it came again: each event comes at least once.
	Times int `json:"times"`
	// Reason why it was given up on.
	Reason string `json:"reason,omitempty"`
}

// most is how many events are remembered of each handler.
const most = 1000

// book is where handlers note events, in the memory of this pod.
var book notebook

type notebook struct {
	mu   sync.Mutex
	seen map[string][]entry // by handler, in the order in which they came
}

func (b *notebook) note(handler string, r *http.Request) {
	e := entry{ID: attribute(r, "id"), Type: attribute(r, "type"), Subject: attribute(r, "subject"), Reason: attribute(r, "headwaydeadreason"), Times: 1}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.seen[handler] {
		if s := &b.seen[handler][i]; s.ID == e.ID && s.Type == e.Type {
			s.Times++
			return
		}
	}
	if b.seen == nil {
		b.seen = map[string][]entry{}
	}
	if len(b.seen[handler]) < most {
		b.seen[handler] = append(b.seen[handler], e)
	}
}

// show answers with what was noted.
func (b *notebook) show(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text, err := json.MarshalIndent(b.seen, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}
