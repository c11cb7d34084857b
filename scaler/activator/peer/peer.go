// Package peer is what one activator tells another with a request that it
// sends on to the keeper of a revision's limit: which revision it has chosen,
// and how often the request was sent on already.
//
// The headers are only read on the port for peers; what a client sends in
// them is dropped.
package peer

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// Names of the headers.
const (
	RevisionHeader = "Headway-Revision"
	HopsHeader     = "Headway-Hops"
)

// maxHops is how often a request is sent on. Activators agree on the keeper
// within milliseconds of a change; until then a request may go back and forth, a
// little slower each time.
const (
	maxHops      = 50
	delay        = 5 * time.Millisecond
	longestDelay = 50 * time.Millisecond
)

// Hop is a way from one activator to another. The zero value is none.
type Hop struct {
	Key  table.Key
	Hops int
}

// Parse reads the headers of a request. A fault makes a Hop that matches
// nothing.
func Parse(revision, hops string) Hop {
	namespace, name, _ := strings.Cut(revision, "/")
	n, err := strconv.Atoi(hops)
	if err != nil || n < 1 {
		return Hop{}
	}
	return Hop{Key: table.Key{Namespace: namespace, Name: name}, Hops: n}
}

// TooFar reports whether the request must not be sent on any more.
func (h Hop) TooFar() bool { return h.Hops > maxHops }

// Match finds the revision.
func (h Hop) Match(t *table.Table) table.Match {
	m := table.Match{Known: true, Namespace: h.Key.Namespace, Name: h.Key.Name, Revision: t.Revision(h.Key)}
	if m.Revision != nil {
		m.App = m.Revision.App
	}
	return m
}

// Delay is how long to wait before the next hop: none if h is the zero value.
func (h Hop) Delay() time.Duration { return min(time.Duration(h.Hops)*delay, longestDelay) }

// Next is the hop after h, on which a request to rev goes to its keeper.
func (h Hop) Next(rev *backend.Revision) Hop {
	return Hop{Key: table.Key{Namespace: rev.Namespace, Name: rev.Name}, Hops: h.Hops + 1}
}

// Set writes the headers.
func (h Hop) Set(header http.Header) {
	header.Set(RevisionHeader, h.Key.Namespace+"/"+h.Key.Name)
	header.Set(HopsHeader, strconv.Itoa(h.Hops))
}

// Append writes the header lines; none for the zero value.
func (h Hop) Append(b []byte) []byte {
	if h.Hops == 0 {
		return b
	}
	b = append(b, RevisionHeader+": "...)
	b = append(b, h.Key.Namespace...)
	b = append(b, '/')
	b = append(b, h.Key.Name...)
	b = append(b, "\r\n"+HopsHeader+": "...)
	b = strconv.AppendInt(b, int64(h.Hops), 10)
	return append(b, "\r\n"...)
}
