package artifact

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// noise does not compress, and is another one for each name.
func noise(name string, size int) func(io.Writer) error {
	return func(w io.Writer) error {
		for i := 0; i < size; i += sha256.Size {
			sum := sha256.Sum256(fmt.Append(nil, name, i))
			if _, err := w.Write(sum[:min(len(sum), size-i)]); err != nil {
				return err
			}
		}
		return nil
	}
}

// onDisk are the bytes that the store should know of.
func onDisk(t *testing.T, store *Store) int64 {
	t.Helper()
	entries, err := os.ReadDir(store.dir)
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

func TestQuota(t *testing.T) {
	store, err := NewStore(t.TempDir(), 100<<10)
	if err != nil {
		t.Fatal(err)
	}
	check := func(step string, err error, want *FullError) {
		t.Helper()
		var full *FullError
		switch errors.As(err, &full); {
		case want == nil && err != nil, want != nil && (full == nil || *full != *want):
			t.Errorf("%s: %v, want %v", step, err, want)
		}
		if used, there := store.Used(), onDisk(t, store); used != there || used > 100<<10 {
			t.Errorf("%s: %d bytes are counted, %d are there", step, used, there)
		}
	}
	_, err = store.Add(40<<10, noise("a", 60<<10))
	check("more than the room", err, &FullError{})
	a, err := store.Add(70<<10, noise("a", 60<<10))
	check("within the room", err, nil)
	_, err = store.Add(70<<10, noise("b", 60<<10))
	check("more than is left of the whole", err, &FullError{Total: true})
	small, err := store.Add(30<<10, noise("c", 20<<10))
	check("what is left is enough", err, nil)
	again, err := store.Add(30<<10, noise("c", 5<<10))
	check("something else", err, nil)
	same, err := store.Add(30<<10, noise("c", 5<<10))
	check("the same once more", err, nil)
	if same != again || small == again {
		t.Errorf("digests %s, %s and %s", small, again, same)
	}
	_, err = store.Clean(map[string]bool{small: true, again: true}, time.Now().Add(time.Hour))
	check("cleaned", err, nil)
	if store.Has(a) {
		t.Error("the first is still there")
	}
	_, err = store.Add(70<<10, noise("b", 60<<10))
	check("there is room again", err, nil)
}

// TestUsedAfterRestart: what is there counts, and what was interrupted goes.
func TestUsedAfterRestart(t *testing.T) {
	dir := t.TempDir()
	store, err := NewStore(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := store.Add(1<<20, noise("a", 60<<10))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, tempPrefix+"1"), make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := NewStore(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if next.Used() != store.Used() || next.Used() != onDisk(t, next) || !next.Has(digest) {
		t.Errorf("%d bytes are counted of %d", next.Used(), onDisk(t, next))
	}
}

// TestZerosAreSmall: files that compress well cost the disk little, whatever they
// are unpacked.
func TestZerosAreSmall(t *testing.T) {
	store, err := NewStore(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := store.Add(1<<20, func(w io.Writer) error {
		zeros := make([]byte, 64<<10)
		for range 1024 { // 64 MiB
			if _, err := w.Write(zeros); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if size := store.Size(digest); size > 512<<10 {
		t.Errorf("64 MiB of zeros take %d bytes", size)
	}
}
