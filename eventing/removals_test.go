package eventing

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// TestRemovals: the first time counts, also for the next process, until the channel
// has an object again.
func TestRemovals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "removed.json")
	open := func() *removals {
		t.Helper()
		r, err := openRemovals(fileNote(path))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	orders, mail := channel.Name{Namespace: "shop", Name: "orders"}, channel.Name{Namespace: "shop", Name: "mail"}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	r := open()
	check(r.note(orders, noon))
	check(r.note(mail, noon))
	r = open()
	check(r.note(orders, noon.Add(time.Hour)))
	check(r.forget(mail))
	r = open()
	if !r.before(orders, noon.Add(time.Second)) || r.before(orders, noon) || r.before(mail, noon.Add(time.Hour)) {
		t.Errorf("remembers %v", r.times)
	}
}

// TestRemovalsThatCannotBeRead: a file that says nothing certain must not have
// events removed, and neither may be overwritten.
func TestRemovalsThatCannotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "removed.json")
	if err := os.WriteFile(path, []byte(`{"shop/orders": "20`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openRemovals(fileNote(path)); err == nil {
		t.Error("half a file is taken for a whole one")
	}
}

// TestRemovalsThatCannotBeWritten: what is not on disk is not known.
func TestRemovalsThatCannotBeWritten(t *testing.T) {
	r, err := openRemovals(fileNote(filepath.Join(t.TempDir(), "missing", "removed.json")))
	if err != nil {
		t.Fatal(err)
	}
	orders := channel.Name{Namespace: "shop", Name: "orders"}
	if err := r.note(orders, noon); err == nil || r.before(orders, noon.Add(time.Hour)) {
		t.Errorf("error %v, and it is remembered: %v", err, r.times)
	}
}
