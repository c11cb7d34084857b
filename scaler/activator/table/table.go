// Package table maps a request's host to a revision. A Table never changes
// once it is compiled: the data path reads it through an atomic pointer while
// the next one is made.
//
// It does not know pods, requests or Kubernetes objects' lifecycles.
package table

import (
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
)

// Route is the part of a Route object that matters here.
type Route struct {
	Namespace, Name, App string
	// Created decides which of two Routes has a host that both claim; see
	// v1alpha1.Claim.
	Created time.Time
	Hosts   []string
	Traffic []Share
	// RevisionHosts maps a host to the name of one revision.
	RevisionHosts map[string]string
}

func (r Route) claim() v1alpha1.Claim {
	return v1alpha1.Claim{Created: r.Created, Namespace: r.Namespace, Name: r.Name}
}

// Serves reports whether a revision has a share of the Route's requests.
func (r Route) Serves(revision string) bool {
	return slices.ContainsFunc(r.Traffic, func(s Share) bool { return s.Revision == revision && s.Weight > 0 })
}

// Share is a revision's part of a Route's requests.
type Share struct {
	Revision string
	Weight   int
}

// Key names a revision.
type Key struct {
	Namespace, Name string
}

// Table is the compiled routing table.
type Table struct {
	hosts     map[string]*split
	revisions map[Key]*backend.Revision
}

// split is what a host leads to.
type split struct {
	namespace, app string
	revision       string // of a host that belongs to one revision
	total          uint32
	targets        []target
}

// target takes the draws below upTo that the targets before it do not take.
type target struct {
	upTo     uint32
	revision *backend.Revision
}

// Compile builds a table. revisions has every revision that exists; a target
// that does not exist takes no requests, and the others share them.
func Compile(routes []Route, revisions map[Key]*backend.Revision) *Table {
	routes = slices.Clone(routes)
	slices.SortFunc(routes, func(a, b Route) int { return a.claim().Compare(b.claim()) })
	t := &Table{hosts: make(map[string]*split, 2*len(routes))}
	t.revisions = maps.Clone(revisions)
	for _, r := range routes {
		s := compileSplit(r, revisions)
		for _, host := range r.Hosts {
			t.claim(host, s)
		}
		for host, name := range r.RevisionHosts {
			one := Route{Namespace: r.Namespace, App: r.App, Traffic: []Share{{Revision: name, Weight: 100}}}
			s := compileSplit(one, revisions)
			s.revision = name
			t.claim(host, s)
		}
	}
	return t
}

func compileSplit(r Route, revisions map[Key]*backend.Revision) *split {
	s := &split{namespace: r.Namespace, app: r.App}
	for _, share := range r.Traffic {
		rev := revisions[Key{r.Namespace, share.Revision}]
		if rev == nil || share.Weight <= 0 {
			continue
		}
		s.total += uint32(share.Weight)
		s.targets = append(s.targets, target{upTo: s.total, revision: rev})
	}
	return s
}

func (t *Table) claim(host string, s *split) {
	if _, taken := t.hosts[host]; !taken {
		t.hosts[host] = s
	}
}

// Revisions are all that exist, in no order, routed or not.
func (t *Table) Revisions() iter.Seq[*backend.Revision] { return maps.Values(t.revisions) }

// Revision returns one by its name; nil if it does not exist.
func (t *Table) Revision(key Key) *backend.Revision { return t.revisions[key] }

// Match is the answer of a Table.
type Match struct {
	// Known is false if no Route has the host.
	Known bool
	// Namespace and App that the host belongs to.
	Namespace, App string
	// Name of the revision, if the host belongs to one.
	Name string
	// Revision to send the request to; nil if the host has none yet.
	Revision *backend.Revision
}

// Resolve finds the revision for a request's Host header. host may have a
// port, upper case letters and a dot at its end.
func (t *Table) Resolve(host string) Match {
	s := t.hosts[Normalize(host)]
	if s == nil {
		return Match{}
	}
	return Match{Known: true, Namespace: s.namespace, App: s.app, Name: s.revision, Revision: s.draw()}
}

func (s *split) draw() *backend.Revision {
	switch len(s.targets) {
	case 0:
		return nil
	case 1:
		return s.targets[0].revision
	}
	return s.pick(rand.Uint32N(s.total))
}

// pick returns the target of a draw in [0, total). A Route has at most 32
// targets, and nearly always one or two.
func (s *split) pick(n uint32) *backend.Revision {
	for _, t := range s.targets {
		if n < t.upTo {
			return t.revision
		}
	}
	return nil
}
