package app

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestMetricsAreBounded: only who has traffic or is on trial is measured, and
// nobody once the App is gone.
func TestMetricsAreBounded(t *testing.T) {
	s := newStory(canary())
	step := func(after time.Duration) {
		before := s.Seen
		app := *s.App
		before.App = &app
		s.step(after)
		measure(before, s.plan)
	}
	var values map[string][]float64
	expect := func(weights, evidence int) {
		t.Helper()
		families, err := metrics.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		values = map[string][]float64{}
		for _, family := range families {
			for _, m := range family.GetMetric() {
				values[family.GetName()] = append(values[family.GetName()], m.GetGauge().GetValue())
			}
		}
		w, e := len(values["headway_controller_traffic_weight"]), len(values["headway_controller_gate_evidence"])
		if w != weights || e != evidence {
			t.Errorf("%d weights and %d of evidence, want %d and %d", w, e, weights, evidence)
		}
	}
	s.push("ba")
	step(0)
	expect(2, 0)
	s.read(name("b"), v1alpha1.VerdictPassing, 500)
	s.Readings[name("b")].Gates[0].Evidence = "1.5"
	step(time.Minute)
	expect(2, 1)
	if got := values["headway_controller_traffic_weight"]; !slices.Equal(got, []float64{0.99, 0.01}) {
		t.Errorf("weights %v", got)
	}
	s.read(name("b"), v1alpha1.VerdictFailed, 500)
	step(time.Second)
	expect(1, 0)
	unmeasure(types.NamespacedName{Namespace: "default", Name: "hello"})
	expect(0, 0)
}
