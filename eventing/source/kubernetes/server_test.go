package kubernetes

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

// apiServer plays one with the events of the namespace team. It can be away, and
// forget what has changed.
type apiServer struct {
	corev1client.EventInterface // of which no source calls anything else

	mu        sync.Mutex
	version   int
	objects   map[string]*corev1.Event
	history   []watch.Event
	forgotten int   // up to this version
	refusal   error // what it answers, if anything
	atOnce    bool  // a version that is forgotten is refused with the answer, not with the first event
	watches   []*watch.RaceFreeFakeWatcher
	lists     int
}

func newServer() *apiServer { return &apiServer{objects: map[string]*corev1.Event{}, version: 100} }

func (s *apiServer) Events(namespace string) corev1client.EventInterface {
	if namespace != "team" {
		panic("asked for namespace " + namespace)
	}
	return s
}

// put makes an object about the pod of that name, or a new version of it.
func (s *apiServer) put(name string, change ...func(*corev1.Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind, object := watch.Modified, s.objects[name].DeepCopy()
	if object == nil {
		kind, object = watch.Added, &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID("uid-" + name)},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: name},
			Type:           corev1.EventTypeNormal, Reason: "Pulled",
		}
	}
	for _, c := range change {
		c(object)
	}
	s.objects[name] = object
	s.happen(kind, object)
}

func (s *apiServer) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	object := s.objects[name].DeepCopy()
	delete(s.objects, name)
	s.happen(watch.Deleted, object)
}

func (s *apiServer) happen(kind watch.EventType, object *corev1.Event) {
	s.version++
	object.ResourceVersion = strconv.Itoa(s.version)
	change := watch.Event{Type: kind, Object: object}
	s.history = append(s.history, change)
	for _, w := range s.watches {
		w.Action(kind, object.DeepCopy())
	}
}

// forget has the history begin now, and ends all watches.
func (s *apiServer) forget() {
	s.mu.Lock()
	s.forgotten, s.history = s.version, nil
	s.mu.Unlock()
	s.hangUp(nil)
}

// setBack has the server forget everything after a version.
func (s *apiServer) setBack(version int) {
	s.mu.Lock()
	s.version, s.history = version, nil
	maps.DeleteFunc(s.objects, func(_ string, o *corev1.Event) bool { return versionOf(o.ResourceVersion) > version })
	s.mu.Unlock()
	s.hangUp(nil)
}

// hangUp ends all watches, and refuses what is asked for from now on, if with
// anything.
func (s *apiServer) hangUp(refusal error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = refusal
	for _, w := range s.watches {
		w.Stop()
	}
	s.watches = nil
}

func versionOf(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

// List answers with objects by name; a page goes on after the name that continue
// says.
func (s *apiServer) List(_ context.Context, o metav1.ListOptions) (*corev1.EventList, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	if s.refusal != nil {
		return nil, s.refusal
	}
	list := &corev1.EventList{ListMeta: metav1.ListMeta{ResourceVersion: strconv.Itoa(s.version)}}
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		if name <= o.Continue {
			continue
		}
		if int64(len(list.Items)) == o.Limit {
			list.Continue = list.Items[o.Limit-1].Name
			break
		}
		list.Items = append(list.Items, *s.objects[name].DeepCopy())
	}
	return list, nil
}

func (s *apiServer) Watch(_ context.Context, o metav1.ListOptions) (watch.Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return nil, s.refusal
	}
	w := watch.NewRaceFreeFake()
	after := versionOf(o.ResourceVersion)
	if gone := apierrors.NewResourceExpired("too old resource version"); after < s.forgotten {
		if s.atOnce {
			return nil, gone
		}
		status := gone.Status()
		w.Error(&status)
		return w, nil
	}
	for _, change := range s.history {
		if object := change.Object.(*corev1.Event); versionOf(object.ResourceVersion) > after {
			w.Action(change.Type, object.DeepCopy())
		}
	}
	s.watches = append(s.watches, w)
	return w, nil
}
