package channel

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// A follower returns every event once and in order, whether it is held or has to be
// read: those that were there before, one after the other, and more at once than are
// held.
func TestFollower(t *testing.T) {
	s := open(t, t.TempDir())
	c := ensure(t, s, orders, usual)
	if err := c.Append(t.Context(), made("before", 10)); err != nil {
		t.Fatal(err)
	}
	f := c.Follow(3)
	defer f.Close()
	next := uint64(4)
	follow := func(to uint64) {
		t.Helper()
		for next <= to {
			records, through, err := f.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				read, err := c.Read(t.Context(), next, 1, 1)
				if err != nil {
					t.Fatal(err)
				}
				if r.Seq != next || string(r.Data) != string(read[0].Data) {
					t.Fatalf("event %d is returned where %d is next, or is another one", r.Seq, next)
				}
				next++
			}
			if through != next-1 {
				t.Fatalf("%d is the last event, and %d the last number", next-1, through)
			}
		}
	}
	follow(10)
	for n := range 5 {
		if err := c.Append(t.Context(), made(fmt.Sprint("one", n), 1)); err != nil {
			t.Fatal(err)
		}
		follow(uint64(11 + n))
	}
	for n := range 3 { // more than heldEvents before it is asked for
		if err := c.Append(t.Context(), made(fmt.Sprint("many", n), 500)); err != nil {
			t.Fatal(err)
		}
	}
	follow(1515)
	if err := c.Append(t.Context(), made("held", 7)); err != nil {
		t.Fatal(err)
	}
	if records, _, fromLog := f.take(); len(records) != 7 || fromLog {
		t.Errorf("%d events are held, want 7", len(records))
	}
}

// While events come as fast as they can, a follower gets each of them once.
func TestFollowerKeepsUp(t *testing.T) {
	s := open(t, t.TempDir())
	c := ensure(t, s, orders, usual)
	f := c.Follow(0)
	defer f.Close()
	const groups, each = 60, 50
	go func() {
		for n := range groups {
			if err := c.Append(context.Background(), made(fmt.Sprint(n), each)); err != nil {
				t.Error(err)
			}
		}
	}()
	for next := uint64(1); next <= groups*each; {
		records, _, err := f.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Seq != next {
				t.Fatalf("event %d is returned where %d is next", r.Seq, next)
			}
			next++
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := f.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("there is nothing more, and Next says %v", err)
	}
}
