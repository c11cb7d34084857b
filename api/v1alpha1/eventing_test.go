package v1alpha1

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// TestBoundsOfEventingKinds: the rules in the CRDs say what the constants do.
func TestBoundsOfEventingKinds(t *testing.T) {
	brief := func(d time.Duration) string {
		switch {
		case d%time.Hour == 0:
			return fmt.Sprintf("%dh", d/time.Hour)
		case d%time.Minute == 0:
			return fmt.Sprintf("%dm", d/time.Minute)
		}
		return d.String()
	}
	between := func(field string, least, most time.Duration) string {
		return fmt.Sprintf("%s must be between %s and %s", field, brief(least), brief(most))
	}
	within := func(least, most time.Duration) string {
		return fmt.Sprintf("duration(self) >= duration('%s') && duration(self) <= duration('%s')", brief(least), brief(most))
	}
	for kind, all := range map[string][]string{
		"channels": {
			between("keep", MinKeep, MaxKeep), within(MinKeep, MaxKeep),
			"dedupe must be at most " + brief(MaxDedupe), "duration(self) <= duration('" + brief(MaxDedupe) + "')",
			"size must be at least " + MinSize, "quantity('" + MinSize + "')",
			fmt.Sprintf("minimum: %d", LeastMaxEvent), fmt.Sprintf("maximum: %d", MostMaxEvent),
			fmt.Sprintf("metadata.name must be at most %d", MaxEventingName), fmt.Sprintf("{0,%d}", MaxEventingName-2),
			"default: " + brief(DefaultKeep), "default: " + DefaultSize, fmt.Sprintf("default: %d", DefaultMaxEvent), "default: " + brief(DefaultDedupe),
		},
		"subscriptions": {
			between("timeout", MinDeliveryTimeout, MaxDeliveryTimeout), within(MinDeliveryTimeout, MaxDeliveryTimeout),
			between("retry.for", MinRetryFor, MaxRetryFor), within(MinRetryFor, MaxRetryFor),
			between("retry.first", MinRetryFirst, MaxRetryFirst), within(MinRetryFirst, MaxRetryFirst),
			between("retry.max", MinRetryMax, MaxRetryMax), within(MinRetryMax, MaxRetryMax),
			fmt.Sprintf("maximum: %d", MaxRate), fmt.Sprintf("maximum: %d", MaxInFlight),
			fmt.Sprintf("maxLength: %d", MaxEventPath), fmt.Sprintf("maxLength: %d", MaxEventURL), fmt.Sprintf("maxLength: %d", MaxCESQL),
			fmt.Sprintf("maxLength: %d", MaxEventingName), "pattern: " + EventPath, "pattern: " + AttributeName, "matches('" + EventTime + "')",
			"default: " + brief(DefaultRetryFor), "default: " + brief(DefaultRetryFirst), "default: " + brief(DefaultRetryMax), "default: " + brief(DefaultDeliveryTimeout),
			"default: " + FromNow, "'" + FromEarliest + "'",
		},
	} {
		file := "../../deploy/crds/headway.dev_" + kind + ".yaml"
		crd, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(crd)), " ") // long rules are wrapped
		for _, want := range all {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", file, want)
			}
		}
	}
}
