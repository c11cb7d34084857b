package eventing

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestDocsNameMetrics: every metric that docs/events.md names exists, and every one
// of eventing stands there.
func TestDocsNameMetrics(t *testing.T) {
	docs, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile(`headway_[a-z_]+[a-z]`).FindAllString(string(docs), -1) {
		named[name] = true
	}
	registry, ok := metrics.Registry.(prometheus.Collector)
	if !ok {
		t.Fatalf("%T does not say what it has", metrics.Registry)
	}
	descriptions := make(chan *prometheus.Desc)
	go func() { registry.Describe(descriptions); close(descriptions) }()
	known := map[string]bool{}
	for d := range descriptions {
		if match := regexp.MustCompile(`fqName: "(headway_events_\w+)"`).FindStringSubmatch(d.String()); match != nil {
			known[match[1]] = true
		}
	}
	for name := range named {
		if !known[name] {
			t.Errorf("docs/events.md names %s, which is not registered", name)
		}
	}
	for name := range known {
		if !named[name] {
			t.Errorf("docs/events.md does not name %s", name)
		}
	}
	if len(known) < 10 {
		t.Errorf("only %d metrics are found", len(known))
	}
}

// TestDocsNameTests: every test by which docs/events.md shows something is where it
// says.
func TestDocsNameTests(t *testing.T) {
	docs, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z/0-9]+) (Test[A-Za-z]+)`").FindAllStringSubmatch(string(docs), -1)
	for _, one := range named {
		files, err := filepath.Glob(filepath.Join("..", one[1], "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(files, func(file string) bool {
			content, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(content), "\nfunc "+one[2]+"(t *testing.T)")
		})
		if !found {
			t.Errorf("there is no %s in %s", one[2], one[1])
		}
	}
	if len(named) < 20 {
		t.Errorf("only %d tests are named", len(named))
	}
}

func TestMeasures(t *testing.T) {
	gather := func() map[string]float64 {
		t.Helper()
		families, err := metrics.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]float64{}
		for _, f := range families {
			for _, m := range f.Metric {
				for _, label := range m.Label {
					if label.GetName() == "namespace" && label.GetValue() == "measured" {
						found[f.GetName()] = m.GetGauge().GetValue()
					}
				}
			}
		}
		return found
	}
	ready := func(status metav1.ConditionStatus, reason string) []metav1.Condition {
		return []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason}}
	}
	object := metav1.ObjectMeta{Namespace: "measured", Name: "one"}
	c := &v1alpha1.Channel{ObjectMeta: object, Spec: v1alpha1.ChannelSpec{Size: resource.MustParse("1Ki")}}
	s := &v1alpha1.Subscription{ObjectMeta: object}
	measureChannel(c, &v1alpha1.ChannelStatus{Bytes: 256, Conditions: ready("False", v1alpha1.ReasonFull)})
	measureSubscription(s, &v1alpha1.SubscriptionStatus{Conditions: ready("True", v1alpha1.ReasonDelivering)})
	got := gather()
	if got["headway_events_channel_filled"] != 0.25 || got["headway_events_channel_ready"] != 0 || got["headway_events_subscription_ready"] != 1 || len(got) != 3 {
		t.Errorf("%v", got)
	}
	measureSubscription(s, &v1alpha1.SubscriptionStatus{Conditions: ready("False", v1alpha1.ReasonPaused)})
	unmeasure(client.ObjectKeyFromObject(c), filled, accepting)
	if got := gather(); len(got) > 0 {
		t.Errorf("left are %v", got)
	}
}
