package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/headway-dev/headway/scaler/decide"
)

// Server is the side of those who decide: an http.Handler that keeps the last
// word of each stream. It believes everybody; package receiver stands in front.
type Server struct {
	// Changed is told which revisions a frame named. It must not block.
	Changed func(Key)
	Logger  *slog.Logger

	mu       sync.RWMutex
	serial   int
	streams  []*incoming       // the oldest first
	measured map[Key]*Measured // the sums of all streams so far
}

// incoming is an open stream. Guarded by Server.mu.
type incoming struct {
	name      string
	at        time.Time
	revisions map[Key]entry
}

// Reports returns the last word of each stream on a revision.
func (s *Server) Reports(key Key) []decide.Report {
	s.mu.RLock()
	defer s.mu.RUnlock()
	reports := make([]decide.Report, 0, len(s.streams))
	for _, in := range s.streams {
		e := in.revisions[key]
		reports = append(reports, decide.Report{
			Stream: in.name, At: in.at, InFlight: e.InFlight, Queued: e.Queued,
			Requests: e.Requests, Busy: time.Duration(e.BusyMicros) * time.Microsecond,
		})
	}
	return reports
}

// Measured returns what was counted for a revision since this server runs, or
// since an activator spoke of the revision for the first time.
func (s *Server) Measured(key Key) Measured {
	s.mu.RLock()
	defer s.mu.RUnlock()
	m := Measured{}
	if sums := s.measured[key]; sums != nil {
		m = *sums
	}
	for _, in := range s.streams {
		for _, pair := range in.revisions[key].Waiting {
			m.Waiting[pair[0]] += pair[1]
		}
	}
	return m
}

// PodLoads returns the requests in flight in the pods of a revision, by the
// pod's name, over all streams.
func (s *Server) PodLoads(key Key) map[string]int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	loads := map[string]int{}
	for _, in := range s.streams {
		for _, pod := range in.revisions[key].Pods {
			loads[pod.Name] += pod.InFlight
		}
	}
	return loads
}

// Streams returns the number of open streams.
func (s *Server) Streams() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.streams)
}

// ServeHTTP takes one stream until it ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	in := s.open(r.Header.Get(identityHeader))
	s.Logger.Info("activator reports", "stream", in.name)
	err := s.receive(r.Body, in, func() error {
		return http.NewResponseController(w).SetReadDeadline(time.Now().Add(silence))
	})
	s.close(in)
	s.Logger.Info("activator stopped reporting", "stream", in.name, "error", err)
	http.Error(w, err.Error(), http.StatusBadRequest)
}

func (s *Server) open(identity string) *incoming {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	in := &incoming{name: fmt.Sprintf("%s#%d", identity, s.serial), at: time.Now(), revisions: map[Key]entry{}}
	s.streams = append(s.streams, in)
	return in
}

// close forgets a stream and has everything it spoke of decided again.
func (s *Server) close(in *incoming) {
	s.mu.Lock()
	for i := range s.streams {
		if s.streams[i] == in {
			s.streams = append(s.streams[:i:i], s.streams[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	for key := range in.revisions {
		s.Changed(key)
	}
}

// receive reads frames until the stream ends or says something wrong. It
// always returns an error.
func (s *Server) receive(body io.Reader, in *incoming, alive func() error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, longestLine)
	for {
		if err := alive(); err != nil {
			return fmt.Errorf("bounding the wait for a report: %w", err)
		}
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return fmt.Errorf("reading a report: %w", err)
			}
			return fmt.Errorf("reading a report: %w", io.EOF)
		}
		var f frame
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return fmt.Errorf("reading a report: %w", err)
		}
		for _, e := range f.Revisions {
			if err := e.check(); err != nil {
				return fmt.Errorf("reading a report: %w", err)
			}
		}
		s.take(in, f)
	}
}

func (s *Server) take(in *incoming, f frame) {
	s.mu.Lock()
	in.at = time.Now()
	for _, e := range f.Revisions {
		key := Key{e.Namespace, e.Name}
		if e.Gone {
			delete(in.revisions, key)
			s.forget(key)
			continue
		}
		s.measure(key, e, in.revisions[key])
		e.FirstByte = nil // it is added up
		in.revisions[key] = e
	}
	s.mu.Unlock()
	for _, e := range f.Revisions {
		s.Changed(Key{e.Namespace, e.Name})
	}
}

// measure adds what is new in an entry. s.mu is held.
func (s *Server) measure(key Key, now, before entry) {
	m := s.measured[key]
	if m == nil {
		if s.measured == nil {
			s.measured = map[Key]*Measured{}
		}
		m = &Measured{}
		s.measured[key] = m
	}
	m.Split = m.Split.plus(now.Split, before.Split)
	m.Repeat = m.Repeat.plus(now.Repeat, before.Repeat)
	m.Direct = m.Direct.plus(now.Direct, before.Direct)
	m.Timed += now.Timed - before.Timed
	for _, grown := range now.FirstByte {
		m.FirstByte[grown[0]] += grown[1]
	}
}

// forget drops the sums of a revision that no activator knows any more. s.mu is
// held.
func (s *Server) forget(key Key) {
	for _, in := range s.streams {
		if _, known := in.revisions[key]; known {
			return
		}
	}
	delete(s.measured, key)
}
