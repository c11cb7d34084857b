package channel

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What is written has to be found in the newest files, or it is not accepted.
func TestBlockFiles(t *testing.T) {
	dir := t.TempDir()
	grow := func(number string, bytes int) {
		t.Helper()
		file, err := os.OpenFile(filepath.Join(dir, number+".blk"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.Write(make([]byte, bytes)); err != nil {
			t.Fatal(err)
		}
	}
	b := &blockFiles{dir: dir}
	defer b.close()
	commit := func(what string, ok bool, written int64, write func()) {
		t.Helper()
		if err := b.open(); err != nil {
			t.Fatal(err)
		}
		write()
		if err := b.sync(written); (err == nil) != ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	remove := func(number string) { os.Remove(filepath.Join(dir, number+".blk")) }
	commit("the first file", true, 100, func() { grow("1", 130) })
	commit("the same file", true, 100, func() { grow("1", 100) })
	commit("nowhere", false, 100, func() {})
	commit("somewhere else", false, 100, func() { grow("7x", 100) })
	commit("a part of it", false, 100, func() { grow("1", 99) })
	commit("in three files", true, 300, func() { grow("1", 100); grow("2", 100); grow("3", 100) })
	commit("beside the newest one", false, 100, func() { grow("2", 100) })
	remove("1")
	remove("2")
	commit("when old ones have gone", true, 100, func() { grow("3", 100) })
	remove("3")
	commit("when the numbers begin again", true, 100, func() { grow("1", 100) })
	commit("when they do meanwhile", true, 50, func() { remove("1"); grow("1", 60) })
	b.close()
	grow("1", 1000)
	commit("when what was there before does not count", false, 100, func() {})
	if b.number != 0 {
		t.Error("after an error nothing is known") // the next one looks anew
	}
}

// The events of a channel that had none left for a while are accepted again.
func TestAcceptedAfterAllHaveGone(t *testing.T) {
	settings := usual
	settings.Keep, settings.Dedupe = 200*time.Millisecond, 0
	c := ensure(t, open(t, t.TempDir()), orders, settings)
	for range 3 {
		appendAll(t, c, made("e", 5)...)
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if c.refresh(); c.State().Events == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatal("the events do not go")
			}
		}
	}
	appendAll(t, c, made("last", 1)...)
}
