package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestEmptyIfLarge(t *testing.T) {
	const limit = 100
	for _, tt := range []struct {
		name  string
		sizes []int
		stays bool
	}{
		{"at the limit", []int{60, 40}, true},
		{"above it", []int{60, 41}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder, total := filepath.Join(t.TempDir(), "registry"), 0
			for i, size := range tt.sizes {
				path := filepath.Join(folder, string(rune('a'+i)), "data")
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o644); err != nil {
					t.Fatal(err)
				}
				total += size
			}
			size, err := emptyIfLarge(folder, limit)
			if err != nil || size != int64(total) {
				t.Errorf("%d bytes, %v; want %d", size, err, total)
			}
			if _, err := os.Stat(folder); (err == nil) != tt.stays {
				t.Errorf("the folder: %v, want it to stay: %t", err, tt.stays)
			}
		})
	}
	if size, err := emptyIfLarge(filepath.Join(t.TempDir(), "none"), limit); size != 0 || err != nil {
		t.Errorf("no folder: %d bytes, %v", size, err)
	}
}
