package story

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"
)

var (
	noon   = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	orders = types.NamespacedName{Namespace: "shop", Name: "orders"}
	dead   = types.NamespacedName{Namespace: "shop", Name: "orders-dead"}
	mail   = types.NamespacedName{Namespace: "shop", Name: "shop-mail"}
	same   = cmpopts.IgnoreUnexported(Accepted{})
)

func options(t testing.TB) Options {
	return Options{Dir: filepath.Join(t.TempDir(), "story"), Log: slog.New(slog.DiscardHandler)}
}

func open(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func shut(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// again is a restart.
func again(t testing.TB, s *Store) *Store {
	t.Helper()
	shut(t, s)
	return open(t, s.o)
}

func tried(seq uint64, number int, verdict Verdict) Attempt {
	return Attempt{Channel: orders, Seq: seq, Subscription: mail, Number: number, At: noon.Add(time.Duration(number) * time.Second), Took: 1500 * time.Microsecond,
		Status: 503, Said: "answered 503", Revision: "shop-1a2b3c4d", Verdict: verdict, Next: noon.Add(time.Minute), Reason: "8 attempts", DeadLetter: "orders-dead", Run: "shop-mail~redrive~monday"}
}

func TestComesBackAsItWas(t *testing.T) {
	s := open(t, options(t))
	accepted := Accepted{Channel: orders, Seq: 7, At: noon, By: "service account shop/default"}
	letter := Accepted{Channel: dead, Seq: 1, At: noon.Add(time.Hour)}
	s.Accepted("4711", accepted)
	s.Accepted("4711", letter)
	s.Accepted("4711", Accepted{Channel: types.NamespacedName{Namespace: "other", Name: "orders"}, Seq: 7, At: noon})
	s.Attempted(tried(7, 2, Dead))
	s.Attempted(tried(7, 1, Again))
	s.Attempted(tried(8, 1, Delivered))
	for _, when := range []string{"at once", "after a restart"} {
		found, more := s.Find("shop", "4711", 20)
		if diff := cmp.Diff([]Accepted{accepted, letter}, found, same); diff != "" || more != 0 {
			t.Errorf("%s: %d more; found (-want +got):\n%s", when, more, diff)
		}
		who, attempts := s.At(orders, 7)
		if diff := cmp.Diff(&accepted, who, same); diff != "" {
			t.Errorf("%s: accepted (-want +got):\n%s", when, diff)
		}
		if diff := cmp.Diff([]Attempt{tried(7, 1, Again), tried(7, 2, Dead)}, attempts); diff != "" {
			t.Errorf("%s: attempts (-want +got):\n%s", when, diff)
		}
		if seq, ok := s.Seq(orders, "4711", 1); seq != 7 || !ok {
			t.Errorf("%s: the number is %d, %t", when, seq, ok)
		}
		if _, ok := s.Seq(orders, "4711", 8); ok {
			t.Errorf("%s: an event that is gone has a number", when)
		}
		if found, _ := s.Find("shop", "4712", 20); len(found) > 0 {
			t.Errorf("%s: an event that nobody sent is found: %v", when, found)
		}
		if n := s.Newest(orders); n != 7 {
			t.Errorf("%s: the newest is %d", when, n)
		}
		s = again(t, s)
	}
	shut(t, s)
}

// TestManySegments: what is found does not depend on where it stands.
func TestManySegments(t *testing.T) {
	s := open(t, options(t))
	const n = 60_000
	for i := range n {
		s.Accepted(fmt.Sprint(i), Accepted{Channel: orders, Seq: uint64(i + 1), At: noon, By: strings.Repeat("x", 90)})
		s.Attempted(tried(uint64(i+1), 1, Delivered))
		if i%5000 == 0 { // as the writer would
			s.disk.Lock()
			s.flush()
			s.disk.Unlock()
		}
	}
	s = again(t, s)
	defer func() { shut(t, s) }()
	if len(s.sealed) < 3 {
		t.Fatalf("%d segments; the test shows nothing", len(s.sealed))
	}
	for range 2000 {
		i := rand.IntN(n)
		found, more := s.Find("shop", fmt.Sprint(i), 20)
		if len(found) != 1 || more != 0 || found[0].Seq != uint64(i+1) {
			t.Fatalf("event %d: %v", i, found)
		}
		if who, attempts := s.At(orders, uint64(i+1)); who == nil || len(attempts) != 1 {
			t.Fatalf("event %d: %v, %v", i, who, attempts)
		}
	}
	if n := s.Newest(orders); n != 60_000 {
		t.Errorf("the newest is %d", n)
	}
	before := len(s.sealed)
	s.Trim(func(types.NamespacedName) (uint64, bool) { return 30_000, true })
	if left := len(s.sealed); left >= before || left == 0 {
		t.Errorf("%d of %d segments are left after half of the channel is gone", left, before)
	}
	if found, _ := s.Find("shop", "59999", 20); len(found) != 1 {
		t.Error("an event that the channel has is forgotten")
	}
	s.Trim(func(types.NamespacedName) (uint64, bool) { return 0, false })
	if len(s.sealed) > 0 {
		t.Errorf("%d segments of a channel that is no more", len(s.sealed))
	}
	files, _ := os.ReadDir(s.o.Dir)
	if len(files) > 2 {
		t.Errorf("files are left: %v", files)
	}
}

func TestManyWithOneID(t *testing.T) {
	s := open(t, options(t))
	for i := range 10_000 {
		s.Accepted("same", Accepted{Channel: orders, Seq: uint64(i + 1), At: noon})
	}
	s = again(t, s)
	defer shut(t, s)
	found, more := s.Find("shop", "same", 20)
	if len(found) != 20 || more != 9_980 || found[0].Seq != 9_981 || found[19].Seq != 10_000 {
		t.Errorf("%d found, from %d to %d, and %d more; want the newest 20, and 9980", len(found), found[0].Seq, found[19].Seq, more)
	}
	huge := strings.Repeat("x", 1<<20)
	s.Accepted(huge, Accepted{Channel: orders, Seq: 10_001, At: noon})
	if found, _ := s.Find("shop", huge, 20); len(found) != 1 {
		t.Error("an id of 1 MiB is not found")
	}
	for _, id := range []string{"", "\x00", "a/../b", "\xff\xfe", huge + "y"} {
		if found, _ := s.Find("shop", id, 20); len(found) > 0 {
			t.Errorf("%.20q is found", id)
		}
	}
}

// TestLongTexts are cut, and keep their record whole.
func TestLongTexts(t *testing.T) {
	s := open(t, options(t))
	defer shut(t, s)
	long := tried(1, 1, Dead)
	long.Said = strings.Repeat("é", 10_000)
	long.Reason, long.Run = long.Said, long.Said
	s.Attempted(long)
	_, attempts := s.At(orders, 1)
	if len(attempts) != 1 || attempts[0].Said != strings.Repeat("é", maxText/2) {
		t.Errorf("%d attempts: %v", len(attempts), attempts)
	}
}

// TestDamage: whatever is on the disk, the store opens, says nothing that is
// wrong, and takes what comes.
func TestDamage(t *testing.T) {
	fill := func(t *testing.T) Options {
		s := open(t, options(t))
		for i := range 2000 {
			s.Accepted(fmt.Sprint(i), Accepted{Channel: orders, Seq: uint64(i + 1), At: noon, By: fmt.Sprint("sender ", i)})
		}
		s = again(t, s) // so that there is an index
		shut(t, s)
		return s.o
	}
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		left   int // of 2000, at least
	}{
		{"nothing", func(*testing.T, string) {}, 2000},
		{"no index", func(t *testing.T, dir string) { remove(t, dir, "*.index") }, 2000},
		{"no log", func(t *testing.T, dir string) { remove(t, dir, "*.log") }, 0},
		{"no folder", func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}, 0},
		{"a file in the place of the folder", func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir, []byte("?"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 0},
		{"a flipped bit in the log", func(t *testing.T, dir string) { flip(t, dir, "*.log", 0.5) }, 1998},
		{"a flipped bit in the index", func(t *testing.T, dir string) { flip(t, dir, "*.index", 0.3) }, 1998},
		{"a flipped bit at the end of the index", func(t *testing.T, dir string) { flip(t, dir, "*.index", 0.9999) }, 2000},
		{"half a log, and no index", func(t *testing.T, dir string) {
			remove(t, dir, "*.index")
			cut(t, dir, "*.log")
		}, 900},
		{"half a log", func(t *testing.T, dir string) { cut(t, dir, "*.log") }, 900},
		{"half an index", func(t *testing.T, dir string) { cut(t, dir, "*.index") }, 2000},
		{"an empty log", func(t *testing.T, dir string) {
			remove(t, dir, "*.index")
			if err := os.WriteFile(logPath(dir, 9), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, 2000},
		{"a log of something else", func(t *testing.T, dir string) {
			if err := os.WriteFile(logPath(dir, 9), []byte(strings.Repeat("nonsense", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 2000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := fill(t)
			tc.damage(t, o.Dir)
			s := open(t, o)
			found := 0
			for i := range 2000 {
				all, _ := s.Find("shop", fmt.Sprint(i), 20)
				for _, one := range all {
					if one.Seq != uint64(i+1) || one.By != fmt.Sprint("sender ", i) {
						t.Fatalf("event %d is %v", i, one)
					}
					found++
				}
			}
			if found < tc.left {
				t.Errorf("%d events are left, want %d", found, tc.left)
			}
			s.Accepted("new", Accepted{Channel: orders, Seq: 3000, At: noon})
			s = again(t, s)
			defer shut(t, s)
			if all, _ := s.Find("shop", "new", 20); len(all) != 1 {
				t.Error("what came after the damage is forgotten")
			}
		})
	}
}

func only(t *testing.T, dir, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	return files[0]
}

func remove(t *testing.T, dir, pattern string) {
	t.Helper()
	if err := os.Remove(only(t, dir, pattern)); err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, dir, pattern string, where float64) {
	t.Helper()
	file := only(t, dir, pattern)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[int(where*float64(len(b)))] ^= 4
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, dir, pattern string) {
	t.Helper()
	file := only(t, dir, pattern)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, info.Size()/2); err != nil {
		t.Fatal(err)
	}
}

// TestBounded: the oldest part goes when there is too much, or no room.
func TestBounded(t *testing.T) {
	o := options(t)
	room := true
	o.Room = func() bool { return room }
	s := open(t, o)
	defer func() { shut(t, s) }()
	s.most = 2 * segmentBytes
	add := func(from, to int) {
		for i := from; i < to; i++ {
			s.Accepted(fmt.Sprint(i), Accepted{Channel: orders, Seq: uint64(i + 1), At: noon, By: strings.Repeat("x", maxText)})
			if i%2000 == 0 {
				s.disk.Lock()
				s.flush()
				s.disk.Unlock()
			}
		}
	}
	add(0, 60_000)
	found := func(i int) bool { all, _ := s.Find("shop", fmt.Sprint(i), 1); return len(all) == 1 }
	if n := segments(s); n > 2 || found(0) || !found(59_999) {
		t.Errorf("%d segments; the first event is found: %t, the last one: %t", n, found(0), found(59_999))
	}
	s.disk.Lock() // under which Room is asked
	room = false
	s.disk.Unlock()
	for range 3 {
		s.Newest(orders)
	}
	if n := segments(s); n > 0 {
		t.Errorf("%d segments on a disk without room", n)
	}
}

func segments(s *Store) int {
	s.disk.Lock()
	defer s.disk.Unlock()
	return len(s.sealed)
}

// TestNoDisk: with a folder that is gone nothing blocks and nothing panics.
func TestNoDisk(t *testing.T) {
	s := open(t, options(t))
	if err := os.RemoveAll(s.o.Dir); err != nil {
		t.Fatal(err)
	}
	s.Accepted("1", Accepted{Channel: orders, Seq: 1, At: noon})
	if found, _ := s.Find("shop", "1", 20); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Accepted("2", Accepted{Channel: orders, Seq: 2, At: noon})
	if found, _ := s.Find("shop", "2", 20); len(found) != 1 {
		t.Error("it does not go on when the folder is back")
	}
	shut(t, s)
}

func TestNil(t *testing.T) {
	var s *Store
	s.Accepted("1", Accepted{})
	s.Attempted(Attempt{})
	s.Trim(nil)
	if found, more := s.Find("shop", "1", 1); found != nil || more != 0 || s.Newest(orders) != 0 || s.Close() != nil {
		t.Error("a store that could not be opened knows something")
	}
}

func TestWorth(t *testing.T) {
	kept := 0
	for n := 1; n <= 150; n++ {
		if Worth(n, Again, false) {
			kept++
		}
	}
	if kept != 12 || !Worth(149, Dead, false) || !Worth(149, Again, true) {
		t.Errorf("%d of 150 attempts are remembered", kept)
	}
}

func TestSender(t *testing.T) {
	if got := Sender(WithSender(context.Background(), "source nightly")); got != "source nightly" {
		t.Errorf("sender %q", got)
	}
	if got := Sender(context.Background()); got != "" {
		t.Errorf("sender %q", got)
	}
}

// FuzzDecode: no record makes it panic or take memory.
func FuzzDecode(f *testing.F) {
	a := Accepted{Channel: orders, Seq: 7, At: noon, By: "somebody"}
	t := tried(7, 1, Again)
	for _, record := range [][]byte{a.append(nil), t.append(nil)} {
		f.Add(record[frameHead:])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		accepted, attempt, err := decode(payload)
		if (accepted == nil) == (attempt == nil) && err == nil {
			t.Error("neither of the two kinds, and no error")
		}
	})
}
