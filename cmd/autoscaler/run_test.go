package main

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestRunNeedsTheKeyThatItIsGiven(t *testing.T) {
	err := run(t.Context(), flags{parkKey: t.TempDir()}, types.NamespacedName{})
	if err == nil || !strings.Contains(err.Error(), "reading the key that wakes parked pods") {
		t.Errorf("error %v", err)
	}
}
