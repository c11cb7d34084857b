package cursor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// childFile makes the test binary the process that TestKilled kills.
const childFile = "HEADWAY_CURSOR_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := deliverForever(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// deliverForever records one event after the other, and prints what is sure to
// be on disk.
func deliverForever(path string) error {
	s, err := Open(path, time.Now)
	if err != nil {
		return err
	}
	p, begun := s.Place(mail, "orders")
	if !begun {
		p.Begin("orders", 0)
	}
	for seq := p.Counts().Floor + 1; ; seq++ {
		p.Retry(seq+20, Entry{Attempts: 1})
		p.End(seq+10, Delivered)
		p.End(seq, Delivered)
		if seq%50 == 0 {
			if err := s.Flush(context.Background()); err != nil {
				return err
			}
			fmt.Println(seq)
		}
	}
}

// Whatever was flushed is there after kill -9, and the file can be read.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	last := uint64(0)
	for kill := range 10 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childFile+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			seq, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil {
				t.Fatal(lines.Text())
			}
			if last = seq; n == 20+7*kill {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed
		s := openStore(t, path, time.Now)
		p, begun := s.Place(mail, "orders")
		if c := p.Counts(); !begun || c.Floor < last {
			t.Fatalf("kill %d: the floor is %d, and %d was flushed", kill, c.Floor, last)
		}
		closeStore(t, s)
	}
}

// A write that fails is told, and everything is written later.
func TestFailedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	s := openStore(t, path, time.Now)
	p, _ := s.Place(mail, "orders")
	p.Begin("orders", 0)
	p.End(2, Delivered)
	p.Retry(5, Entry{Attempts: 1})
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The file is taken away under the store, which then writes into nothing.
	whole := s.disk
	broken, err := bolt.Open(filepath.Join(t.TempDir(), "broken"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	s.disk = &file{broken}
	p.End(1, Delivered)
	p.End(5, Delivered)
	if err := s.Flush(t.Context()); !errors.Is(err, bolterrors.ErrDatabaseNotOpen) || s.Healthy() == nil {
		t.Errorf("a failed write says %v, then %v", err, s.Healthy())
	}
	s.disk = whole
	if err := s.Flush(t.Context()); err != nil || s.Healthy() != nil {
		t.Errorf("afterwards: %v, %v", err, s.Healthy())
	}
	s = again(t, s, path)
	defer closeStore(t, s)
	p, _ = s.Place(mail, "orders")
	if got := p.Counts(); got != (Counts{Floor: 2, Above: 1, Delivered: 3}) || p.NextOpen(3) != 3 || p.NextOpen(5) != 6 {
		t.Errorf("on disk is %+v, %v", got, p.done)
	}
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	s := openStore(t, path, time.Now)
	p, _ := s.Place(mail, "orders")
	p.Begin("orders", 0)
	closeStore(t, s)
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketPlaces).Bucket([]byte(mail.String())).Put(key(keyRange, 9), encodeEnd(3))
	})
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, time.Now); err == nil || !strings.Contains(err.Error(), "shop/mail") {
		t.Errorf("a damaged place is read: %v", err)
	}
}
