package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKindsAreInstalled: every kind that is generated is in the kustomization.
func TestKindsAreInstalled(t *testing.T) {
	files, err := filepath.Glob("../crds/headway.dev_*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d kinds, %v", len(files), err)
	}
	list, err := os.ReadFile("../crds/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.Contains(string(list), "  - "+filepath.Base(file)+"\n") {
			t.Errorf("deploy/crds/kustomization.yaml lacks %s", filepath.Base(file))
		}
	}
}
