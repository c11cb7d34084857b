// Package table leads a request to a revision: by its host, what it matches,
// whose it is, or a draw by weights. A Table never changes once it is compiled:
// the data path reads it through an atomic pointer while the next one is made.
// What users have seen and budgets have spent is counted beside it, and goes
// from one Table of a Compiler to the next.
//
// It does not know pods or Kubernetes objects' lifecycles, and sends nothing.
package table

import (
	"iter"
	"maps"
	"slices"
	"sync/atomic"
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
	// Matches, Mirror and Sticky are for Hosts.
	Matches []v1alpha1.RouteMatch
	Mirror  *v1alpha1.RouteMirror
	Sticky  *v1alpha1.Sticky
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

// Share is a revision's part of a Route's requests; see v1alpha1.TrafficTarget.
type Share struct {
	Revision string
	Weight   int
	Salt     string
	Budget   int
}

// Key names a revision, or a Route.
type Key struct {
	Namespace, Name string
}

// Table is the compiled routing table.
type Table struct {
	hosts     map[string]*split
	revisions map[Key]*backend.Revision
}

// Compiler makes one Table after the other. Compile must not be called
// concurrently.
type Compiler struct {
	// Crew is this activator's place among those that serve; while it is nil
	// budgets let nothing through.
	Crew    atomic.Pointer[Crew]
	ledgers map[Key]*ledger
}

// Compile is Compiler.Compile for a first table of the only activator.
func Compile(routes []Route, revisions map[Key]*backend.Revision) *Table {
	c := &Compiler{}
	c.Crew.Store(Alone())
	return c.Compile(routes, revisions)
}

// Compile builds a table. revisions has every revision that exists; a target
// that does not exist takes no requests, and the others share them.
func (c *Compiler) Compile(routes []Route, revisions map[Key]*backend.Revision) *Table {
	routes = slices.Clone(routes)
	slices.SortFunc(routes, func(a, b Route) int { return a.claim().Compare(b.claim()) })
	t := &Table{hosts: make(map[string]*split, 2*len(routes))}
	t.revisions = maps.Clone(revisions)
	ledgers := map[Key]*ledger{}
	for _, r := range routes {
		key := Key{r.Namespace, r.Name}
		l := c.ledgers[key].next(r, &c.Crew)
		if l != nil {
			ledgers[key] = l
		}
		s := compileSplit(r, revisions, l)
		for _, host := range r.Hosts {
			t.claim(host, s)
		}
		for host, name := range r.RevisionHosts {
			one := Route{Namespace: r.Namespace, App: r.App, Traffic: []Share{{Revision: name, Weight: v1alpha1.Whole}}}
			s := compileSplit(one, revisions, nil)
			s.revision = name
			t.claim(host, s)
		}
	}
	c.ledgers = ledgers
	return t
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
	// Split is whether weights have chosen it, and not a host or a match; Trial
	// whether there was a choice.
	Split, Trial bool
	// Place is for Split. Its Leave must be called once.
	Place Place
	// Cookie is the Set-Cookie field that tells a new user apart from now on;
	// empty: there is none to set.
	Cookie string
	// Mirror gets a copy of the request; nil: nobody does.
	Mirror *backend.Revision
}

// Resolve finds the revision for a request. Its host may have a port, upper
// case letters and a dot at its end.
func (t *Table) Resolve(r Request) Match {
	s := t.hosts[Normalize(r.Host())]
	if s == nil {
		return Match{}
	}
	m := Match{Known: true, Namespace: s.namespace, App: s.app, Name: s.revision, Split: s.revision == ""}
	if s.plain {
		m.Revision = s.only()
	} else {
		s.choose(&m, r)
	}
	return m
}
