package route

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func newRoute(namespace string, age time.Duration, hosts ...string) v1alpha1.Route {
	return v1alpha1.Route{
		ObjectMeta: metav1.ObjectMeta{Name: "hello", Namespace: namespace, CreationTimestamp: metav1.NewTime(start.Add(-age)), Generation: 2},
		Spec: v1alpha1.RouteSpec{App: "hello", Hosts: hosts, Traffic: []v1alpha1.TrafficTarget{
			{Revision: "hello-1a2b3c4d", Weight: 9000}, {Revision: "hello-5e6f7081", Weight: 1000}}},
	}
}

func TestStatus(t *testing.T) {
	mine := newRoute("b", time.Minute, "x.localhost", "y.localhost")
	one := newRoute("b", time.Minute, "y.localhost")
	revisions := newRoute("b", time.Minute, "x.localhost")
	revisions.Spec.RevisionHosts = []v1alpha1.RevisionHost{{Host: "y.localhost", Revision: "hello-1a2b3c4d"}}
	empty := mine
	empty.Spec.Traffic = nil
	for _, tc := range []struct {
		name    string
		route   v1alpha1.Route
		rivals  []v1alpha1.Route
		want    condition.State
		summary string
	}{
		{"alone", mine, nil, condition.True(v1alpha1.ReasonRouted, ""), "90% hello-1a2b3c4d, 10% hello-5e6f7081"},
		{"nothing to route to", empty, nil, condition.Unknown(v1alpha1.ReasonWaiting, "no revision is ready yet"), ""},
		{"the other is younger", mine, []v1alpha1.Route{newRoute("a", time.Second, "y.localhost")}, condition.True(v1alpha1.ReasonRouted, ""), "90% hello-1a2b3c4d, 10% hello-5e6f7081"},
		{"the only host is lost", one, []v1alpha1.Route{newRoute("c", time.Hour, "y.localhost")},
			condition.False(v1alpha1.ReasonHostConflict, "host y.localhost belongs to the older route c/hello; rename one of the apps"), ""},
		{"a revision's host is lost", revisions, []v1alpha1.Route{newRoute("c", time.Hour, "y.localhost")},
			condition.False(v1alpha1.ReasonHostConflict, "host y.localhost belongs to the older route c/hello; rename one of the apps"), "90% hello-1a2b3c4d, 10% hello-5e6f7081"},
		{"the other is older", mine, []v1alpha1.Route{newRoute("c", time.Hour, "y.localhost")},
			condition.False(v1alpha1.ReasonHostConflict, "host y.localhost belongs to the older route c/hello; remove it from hosts in the headway.yaml of one of them"), "90% hello-1a2b3c4d, 10% hello-5e6f7081"},
		{"same age: the first by name", mine, []v1alpha1.Route{newRoute("a", time.Minute, "y.localhost")},
			condition.False(v1alpha1.ReasonHostConflict, "host y.localhost belongs to the older route a/hello; remove it from hosts in the headway.yaml of one of them"), "90% hello-1a2b3c4d, 10% hello-5e6f7081"},
		{"same age: a namespace that begins like the other", mine, []v1alpha1.Route{newRoute("b-c", time.Minute, "y.localhost")}, condition.True(v1alpha1.ReasonRouted, ""), "90% hello-1a2b3c4d, 10% hello-5e6f7081"},
		{"same age: the last by name", mine, []v1alpha1.Route{newRoute("c", time.Minute, "y.localhost")}, condition.True(v1alpha1.ReasonRouted, ""), "90% hello-1a2b3c4d, 10% hello-5e6f7081"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := statusFor(&tc.route, map[string][]v1alpha1.Route{"y.localhost": tc.rivals}, start)
			if state := condition.Get(got.Conditions, v1alpha1.ConditionReady); state != tc.want {
				t.Errorf("got %+v, want %+v", state, tc.want)
			}
			if got.Summary != tc.summary || got.ObservedGeneration != 2 {
				t.Errorf("summary %q, generation %d", got.Summary, got.ObservedGeneration)
			}
		})
	}
}

func TestOlderIsAnOrder(t *testing.T) {
	routes := []v1alpha1.Route{newRoute("a", 0), newRoute("b", 0), newRoute("a", time.Minute), newRoute("c", time.Second), newRoute("a-b", 0)}
	for i := range routes {
		for j := range routes {
			order := routes[i].Claim().Compare(routes[j].Claim())
			if i != j && (order == 0 || order != -routes[j].Claim().Compare(routes[i].Claim())) {
				t.Errorf("%s and %s do not agree on who is older", where(routes[i]), where(routes[j]))
			}
		}
		if routes[i].Claim().Compare(routes[i].Claim()) != 0 {
			t.Errorf("%s is older than itself", where(routes[i]))
		}
	}
}

func where(r v1alpha1.Route) string { return strings.Join([]string{r.Namespace, r.Name}, "/") }
