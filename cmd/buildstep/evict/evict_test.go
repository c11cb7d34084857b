package evict

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/cmd/buildstep/cachelock"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestChoose(t *testing.T) {
	const day = 24 * time.Hour
	limits := Limits{Folder: 100, Total: 150, Age: 30 * day}
	u := func(folder, path string, size int64, age time.Duration) unit {
		return unit{folder, path, size, now.Add(-age)}
	}
	for _, tc := range []struct {
		name  string
		units []unit
		want  string
	}{
		{"all is within the limits", []unit{u("a", "x", 90, day), u("b", "x", 60, 29*day)}, ""},
		{"too old", []unit{u("a", "x", 1, 31*day), u("a", "y", 1, day)}, "a/x"},
		{"a cache that is too large loses what was used the longest ago", []unit{u("a", "new", 40, 2*time.Hour), u("a", "old", 40, 3*day), u("a", "older", 40, 4*day)}, "a/older"},
		{"and nothing of others for that", []unit{u("a", "x", 120, day), u("b", "oldest", 30, 9*day)}, "a/x"},
		{"all together are too large", []unit{u("a", "x", 90, 2*day), u("b", "x", 90, 3*day)}, "b/x"},
		{"what is in use stays", []unit{u("a", "x", 500, time.Minute), u("a", "y", 10, 2*time.Hour)}, "a/y"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, u := range choose(tc.units, limits, now) {
				got = append(got, u.folder+"/"+u.path)
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// volume is a volume of caches.
type volume struct {
	t   *testing.T
	dir string
}

// write makes a file of 64 KiB, last used so long ago.
func (v volume) write(name string, age time.Duration) {
	v.t.Helper()
	file := filepath.Join(v.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(file, make([]byte, 64<<10), 0o644); err != nil {
		v.t.Fatal(err)
	}
	v.used(name, age)
}

func (v volume) used(name string, age time.Duration) {
	v.t.Helper()
	at := now.Add(-age)
	if err := os.Chtimes(filepath.Join(v.dir, name), at, at); err != nil {
		v.t.Fatal(err)
	}
}

// files are those that are there, without locks.
func (v volume) files() string {
	v.t.Helper()
	var out []string
	err := filepath.WalkDir(v.dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(name, ".lock") {
			inside, _ := filepath.Rel(v.dir, name)
			out = append(out, inside)
		}
		return err
	})
	if err != nil {
		v.t.Fatal(err)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func (v volume) run(folder int64) {
	v.t.Helper()
	if err := Run(v.dir, Limits{Folder: folder, Total: 1 << 40, Age: 720 * time.Hour}, now, io.Discard); err != nil {
		v.t.Fatal(err)
	}
}

func newVolume(t *testing.T) volume { return volume{t, t.TempDir()} }

// TestModulesGoAsAWhole, by when a build used them.
func TestModulesGoAsAWhole(t *testing.T) {
	v := newVolume(t)
	for _, module := range []string{"x.org/old@v1.0.0", "x.org/used@v1.0.0"} {
		for _, file := range []string{"a.go", "sub/b.go"} {
			v.write("team/shop/go/mod/"+module+"/"+file, 48*time.Hour)
		}
	}
	v.used("team/shop/go/mod/x.org/old@v1.0.0", 24*time.Hour)
	v.used("team/shop/go/mod/x.org/used@v1.0.0", 2*time.Hour)
	v.write("team/shop/go/mod/cache/download/x.org/old/@v/v1.0.0.zip", 4*time.Hour)
	v.write("team/shop/go/build/ab/ab-d", 3*time.Hour)
	v.run(300 << 10) // 4 files and the folders
	want := []string{"team/shop/go/build/ab/ab-d", "team/shop/go/mod/cache/download/x.org/old/@v/v1.0.0.zip",
		"team/shop/go/mod/x.org/used@v1.0.0/a.go", "team/shop/go/mod/x.org/used@v1.0.0/sub/b.go"}
	if diff := cmp.Diff(strings.Join(want, "\n"), v.files()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	v.run(170 << 10)
	if diff := cmp.Diff(strings.Join(want[2:], "\n"), v.files()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(v.dir, "team/shop/go/build")); err == nil {
		t.Error("an empty folder is still there")
	}
}

// TestLockedCachesStay: a build works with them.
func TestLockedCachesStay(t *testing.T) {
	v := newVolume(t)
	v.write("team/go/go/build/x-d", 48*time.Hour)
	v.write("team/images/buildkit/0/layer", 48*time.Hour)
	v.write("team/images/buildkit/1/layer", 48*time.Hour)
	v.used("team/images/buildkit/0", 48*time.Hour)
	v.used("team/images/buildkit/1", 48*time.Hour)
	releaseGo, err := cachelock.Share(t.Context(), filepath.Join(v.dir, "team/go", cachelock.Name))
	if err != nil {
		t.Fatal(err)
	}
	releaseState, err := cachelock.Share(t.Context(), filepath.Join(v.dir, "team/images/buildkit/0.lock"))
	if err != nil {
		t.Fatal(err)
	}
	v.run(1)
	if diff := cmp.Diff("team/go/go/build/x-d\nteam/images/buildkit/0/layer", v.files()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	releaseGo()
	releaseState()
	v.run(1)
	if left := v.files(); left != "" {
		t.Errorf("left: %s", left)
	}
}

// TestLinksLeadNowhere: a build may leave what it likes in its cache.
func TestLinksLeadNowhere(t *testing.T) {
	v := newVolume(t)
	v.write("team/other/file", 2*time.Hour)
	outside := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"dir": "../other", "file": outside, "go": "/"} {
		link := filepath.Join(v.dir, "team/shop", name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	if err := Run(v.dir, Limits{Folder: 100 << 10, Total: 100 << 10, Age: time.Hour * 24 * 365 * 100}, time.Now().Add(48*time.Hour), io.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error("a file outside of the volume is gone")
	}
	if _, err := os.Stat(filepath.Join(v.dir, "team/other/file")); err != nil {
		t.Error("the cache of another Repository is gone")
	}
	// A lock that leads elsewhere locks nothing there.
	if err := os.Symlink("../other/file", filepath.Join(v.dir, "team/shop", cachelock.Name)); err != nil {
		t.Fatal(err)
	}
	v.write("team/shop/old", 24*365*time.Hour)
	if err := Run(v.dir, Limits{Folder: 1 << 20, Total: 1 << 20, Age: time.Hour}, now, io.Discard); err == nil {
		t.Error("a lock outside of its cache was taken")
	}
}

// TestTooManyFiles of one cache are not held in memory one by one.
func TestTooManyFiles(t *testing.T) {
	v := newVolume(t)
	for i := range 20 {
		v.write(fmt.Sprintf("team/shop/many/%d", i), time.Duration(i+2)*time.Hour)
	}
	v.write("team/shop/buildkit/0/layer", 5*time.Hour)
	root, err := os.OpenRoot(v.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for most, want := range map[int]int{1000: 21, 10: 2} {
		units, err := measure(root, "team/shop", most)
		if err != nil || len(units) != want {
			t.Errorf("at most %d: %d units, want %d (%v)", most, len(units), want, err)
		}
		var sum int64
		for _, u := range units {
			sum += u.size
		}
		if sum < 21*64<<10 {
			t.Errorf("at most %d: %d bytes", most, sum)
		}
	}
}
