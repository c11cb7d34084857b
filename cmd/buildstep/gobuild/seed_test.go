package gobuild

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSeed(t *testing.T) {
	from, cache := t.TempDir(), filepath.Join(t.TempDir(), "go", "build")
	write := func(file, content string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(cache, name))
		if err != nil {
			return "missing"
		}
		return string(data)
	}
	write(filepath.Join(from, "00", "std-a"), "seed")
	write(filepath.Join(from, "01", "std-d"), "seed")
	write(filepath.Join(cache, "01", "std-d"), "mine")
	if err := seed(t.Context(), from, cache); err != nil {
		t.Fatal(err)
	}
	if read("00/std-a") != "seed" || read("01/std-d") != "mine" {
		t.Errorf("after seeding: %s, %s", read("00/std-a"), read("01/std-d"))
	}
	// Once for each Go version: what was trimmed since does not come back.
	if err := os.Remove(filepath.Join(cache, "00", "std-a")); err != nil {
		t.Fatal(err)
	}
	if err := seed(t.Context(), from, cache); err != nil {
		t.Fatal(err)
	}
	if read("00/std-a") != "missing" {
		t.Error("the cache was seeded twice")
	}
	if left, _ := filepath.Glob(filepath.Join(cache, "*", ".seed-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSeedIsOptional(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "build")
	for _, from := range []string{"", filepath.Join(t.TempDir(), "none")} {
		if err := seed(t.Context(), from, cache); err != nil {
			t.Errorf("seed %q: %v", from, err)
		}
	}
}
