package watch

import (
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// defaultTimeout is the one of the Revision type, for objects that were
// written past its defaulting.
const defaultTimeout = 60 * time.Second

// restartGrace is how long requests wait on after a revision has failed to
// start: the first time Kubernetes starts it again at once, and that may be all
// it takes, where it was faster than its database.
const restartGrace = 5 * time.Second

func settings(r *v1alpha1.Revision) backend.Settings {
	s := backend.Settings{
		Namespace: r.Namespace,
		App:       r.Spec.App,
		Name:      r.Name,
		Timeout:   r.Spec.Timeout.Duration,
		Limit:     int(r.Spec.Scale.Limit),
	}
	if s.Timeout <= 0 {
		s.Timeout = defaultTimeout
	}
	if r.Spec.Health != nil {
		s.HealthPath = r.Spec.Health.Path
	}
	return s
}

// hopeless is the reason why no pod of a revision comes up by waiting, for as
// long as Kubernetes says so; empty if one may.
func hopeless(r *v1alpha1.Revision, now time.Time) (reason string, grace time.Duration) {
	for _, c := range r.Status.Conditions {
		if c.Type != v1alpha1.ConditionReady || c.Status != metav1.ConditionFalse {
			continue
		}
		switch c.Reason {
		case v1alpha1.ReasonNotBuilt, v1alpha1.ReasonSuperseded, v1alpha1.ReasonReferenceMissing:
			return c.Reason, 0
		case v1alpha1.ReasonStartFailed:
			// Whatever the clocks say, no more than the whole.
			left := restartGrace - now.Sub(c.LastTransitionTime.Time)
			return c.Reason, min(max(left, 0), restartGrace)
		}
	}
	return "", 0
}

func route(r *v1alpha1.Route) table.Route {
	out := table.Route{
		Namespace: r.Namespace,
		Name:      r.Name,
		App:       r.Spec.App,
		Created:   r.CreationTimestamp.Time,
		Hosts:     r.Spec.Hosts,
		Matches:   r.Spec.Matches,
		Mirror:    r.Spec.Mirror,
		Sticky:    r.Spec.Sticky,
	}
	for _, t := range r.Spec.Traffic {
		out.Traffic = append(out.Traffic, table.Share{Revision: t.Revision, Weight: int(t.Weight), Salt: t.Salt, Budget: int(t.Budget)})
	}
	out.RevisionHosts = make(map[string]string, len(r.Spec.RevisionHosts))
	for _, h := range r.Spec.RevisionHosts {
		out.RevisionHosts[h.Host] = h.Revision
	}
	return out
}

// endpoint describes a pod that has an address.
func endpoint(p *corev1.Pod, port int32) (backend.Endpoint, bool) {
	if p.Status.PodIP == "" {
		return backend.Endpoint{}, false
	}
	return backend.Endpoint{
		UID:      string(p.UID),
		Name:     p.Name,
		Addr:     net.JoinHostPort(p.Status.PodIP, strconv.Itoa(int(port))),
		Ready:    kubelet.Ready(p),
		Draining: p.DeletionTimestamp != nil || chosen(p) || kubelet.Ended(p),
		Standby:  standby(p),
	}, true
}

// standby is nil for a pod that was not made to wait parked.
func standby(p *corev1.Pod) *backend.Standby {
	label, ok := p.Labels[v1alpha1.LabelStandby]
	if !ok {
		return nil
	}
	s := &backend.Standby{Parked: label == v1alpha1.StandbyParked, Runs: true, Created: p.CreationTimestamp.Time}
	if app := kubelet.App(p); app != nil {
		s.Runs, s.Container = app.State.Running != nil, app.ContainerID
	}
	return s
}

func chosen(p *corev1.Pod) bool {
	_, ok := p.Labels[v1alpha1.LabelDraining]
	return ok
}

// strip keeps of an object only what this package reads: with many thousand
// pods the rest would be most of the activator's memory.
func strip(obj any) (any, error) {
	switch o := obj.(type) {
	case *corev1.Pod:
		return kubelet.Slim(o), nil
	case *v1alpha1.Revision:
		o.ObjectMeta = kubelet.SlimMeta(o.ObjectMeta)
		o.Status = v1alpha1.RevisionStatus{Conditions: stripConditions(o.Status.Conditions)}
		o.Spec.Env, o.Spec.Command, o.Spec.Args = nil, nil, nil
		o.Spec.Build, o.Spec.Subject, o.Spec.Author = nil, "", ""
	case *v1alpha1.Route:
		o.ObjectMeta = kubelet.SlimMeta(o.ObjectMeta)
		o.Status = v1alpha1.RouteStatus{}
	}
	return obj, nil
}

func stripConditions(conditions []metav1.Condition) []metav1.Condition {
	for _, c := range conditions {
		if c.Type == v1alpha1.ConditionReady {
			return []metav1.Condition{{Type: c.Type, Status: c.Status, Reason: c.Reason, LastTransitionTime: c.LastTransitionTime}}
		}
	}
	return nil
}
