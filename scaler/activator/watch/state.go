package watch

import (
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// state is what the activator knows of the cluster. One goroutine owns it;
// the data path only sees the tables it publishes and the pools in them.
type state struct {
	tables    *atomic.Pointer[table.Table]
	compiler  *table.Compiler
	hooks     Hooks
	routes    map[table.Key]table.Route
	revisions map[table.Key]revision
	pods      map[table.Key]map[types.UID]*corev1.Pod // by revision

	tableStale bool
	podsStale  map[table.Key]bool
	drained    map[table.Key]bool // revisions that have lost all traffic of a Route
}

type revision struct {
	uid     types.UID
	port    int32
	backend *backend.Revision
}

func newState(tables *atomic.Pointer[table.Table], compiler *table.Compiler, hooks Hooks) *state {
	return &state{
		tables:    tables,
		compiler:  compiler,
		hooks:     hooks,
		routes:    map[table.Key]table.Route{},
		revisions: map[table.Key]revision{},
		pods:      map[table.Key]map[types.UID]*corev1.Pod{},
		podsStale: map[table.Key]bool{},
		drained:   map[table.Key]bool{},
	}
}

func (s *state) setRoute(r *v1alpha1.Route) {
	key, next := table.Key{Namespace: r.Namespace, Name: r.Name}, route(r)
	for _, share := range s.routes[key].Traffic {
		if share.Weight > 0 && !next.Serves(share.Revision) {
			s.drained[table.Key{Namespace: r.Namespace, Name: share.Revision}] = true
		}
	}
	s.routes[key] = next
	s.tableStale = true
}

func (s *state) deleteRoute(r *v1alpha1.Route) {
	delete(s.routes, table.Key{Namespace: r.Namespace, Name: r.Name})
	s.tableStale = true
}

// setRevision adds a Revision. Its spec never changes, so that of one that is
// known only the status is news.
func (s *state) setRevision(r *v1alpha1.Revision) {
	key := table.Key{Namespace: r.Namespace, Name: r.Name}
	if old, ok := s.revisions[key]; ok {
		if old.uid == r.UID {
			old.backend.Fail(hopeless(r, time.Now()))
			return
		}
		old.backend.Close()
	}
	rev := backend.NewRevision(settings(r), s.hooks.Pools)
	rev.Fail(hopeless(r, time.Now()))
	if rev.Limit > 0 {
		rev.Share()
	}
	s.revisions[key] = revision{uid: r.UID, port: r.Spec.Port, backend: rev}
	s.tableStale = true
	s.podsStale[key] = true
}

func (s *state) deleteRevision(r *v1alpha1.Revision) {
	key := table.Key{Namespace: r.Namespace, Name: r.Name}
	if old, ok := s.revisions[key]; ok && old.uid == r.UID {
		old.backend.Close()
		delete(s.revisions, key)
		s.tableStale = true
	}
}

func podKey(p *corev1.Pod) table.Key {
	return table.Key{Namespace: p.Namespace, Name: p.Labels[v1alpha1.LabelRevision]}
}

func (s *state) setPod(p *corev1.Pod) {
	key := podKey(p)
	if s.pods[key] == nil {
		s.pods[key] = map[types.UID]*corev1.Pod{}
	}
	s.pods[key][p.UID] = p
	s.podsStale[key] = true
}

func (s *state) deletePod(p *corev1.Pod) {
	key := podKey(p)
	delete(s.pods[key], p.UID)
	if len(s.pods[key]) == 0 {
		delete(s.pods, key)
	}
	s.podsStale[key] = true
}

// publish lets the data path see what has changed. A change of pods touches
// the pools of their revisions and nothing else.
func (s *state) publish() {
	for key := range s.podsStale {
		if r, ok := s.revisions[key]; ok {
			r.backend.Update(s.endpoints(key, r.port))
		}
	}
	clear(s.podsStale)
	if !s.tableStale {
		return
	}
	routes := make([]table.Route, 0, len(s.routes))
	for _, r := range s.routes {
		routes = append(routes, r)
	}
	revisions := make(map[table.Key]*backend.Revision, len(s.revisions))
	for key, r := range s.revisions {
		revisions[key] = r.backend
	}
	s.tables.Store(s.compiler.Compile(routes, revisions))
	s.tableStale = false
	for key := range s.drained {
		if rev := revisions[key]; rev != nil {
			rev.Reroute()
		}
	}
	clear(s.drained)
	s.hooks.Compiled()
}

func (s *state) endpoints(key table.Key, port int32) []backend.Endpoint {
	endpoints := make([]backend.Endpoint, 0, len(s.pods[key]))
	for _, p := range s.pods[key] {
		if e, ok := endpoint(p, port); ok {
			endpoints = append(endpoints, e)
		}
	}
	return endpoints
}

// close ends the probes of all revisions.
func (s *state) close() {
	for _, r := range s.revisions {
		r.backend.Close()
	}
}
