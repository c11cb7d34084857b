package forget

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRemove(t *testing.T) {
	caches, outside := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	write(t, filepath.Join(caches, "shop", "code", "mod", "file"))
	write(t, filepath.Join(caches, "shop", "other", "file"))
	write(t, outside)
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(caches, "shop", "code", "link")); err != nil {
		t.Fatal(err)
	}

	if err := Remove(caches, "shop/code"); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(caches, "shop", "code")) {
		t.Error("the Repository's cache is still there")
	}
	if !exists(filepath.Join(caches, "shop", "other", "file")) {
		t.Error("the cache of another Repository is gone")
	}
	if !exists(outside) {
		t.Error("a file behind a link is gone")
	}

	for range 2 { // once more is no error
		if err := Remove(caches, "shop/other"); err != nil {
			t.Fatal(err)
		}
	}
	if exists(filepath.Join(caches, "shop")) {
		t.Error("the namespace's empty folder is still there")
	}
}

func TestRemoveStaysInside(t *testing.T) {
	caches := t.TempDir()
	write(t, filepath.Join(caches, "shop", "code", "file"))
	if err := os.Symlink(t.TempDir(), filepath.Join(caches, "away")); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"", ".", "shop", "..", "../x", "shop/..", "shop/.", "/shop/code", "shop/code/file", "away/code"} {
		if err := Remove(caches, folder); err == nil {
			t.Errorf("Remove(%q) is no error", folder)
		}
	}
	if !exists(filepath.Join(caches, "shop", "code", "file")) {
		t.Error("a refused call removed a file")
	}
}

func write(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("x"), 0o444); err != nil {
		t.Fatal(err)
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
