package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/deploy/local/layout"
)

func TestRunStepsTellsWhatItWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		steps := []step{
			{name: "quick", run: func(_ context.Context, _ *cluster, s *report) error {
				s.waitFor("nothing")
				s.result("done %d", 1)
				return nil
			}},
			{name: "slow", run: func(_ context.Context, _ *cluster, s *report) error {
				s.waitFor("the compiler")
				time.Sleep(50 * time.Second)
				s.note("half way")
				time.Sleep(40 * time.Second)
				return nil
			}},
		}
		if err := runSteps(t.Context(), newProgress(&out), &cluster{}, steps); err != nil {
			t.Fatal(err)
		}
		want := `  0:00  ok  quick              0.0s  done 1
  0:05    slow               0:05, waiting for the compiler
  0:15    slow               0:15, waiting for the compiler
  0:35    slow               0:35, waiting for the compiler
  0:50    slow               half way
  1:15    slow               1:15, waiting for the compiler
  1:30  ok  slow              90.0s  
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestFailedStepShowsItsLog(t *testing.T) {
	c := &cluster{places: layout.Layout{Root: t.TempDir()}}
	log := c.places.Log("etcd")
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	lines := strings.Repeat("old\n", 30) + "port taken\n" + strings.Repeat("x", 2*maxLogLine) + "\n"
	if err := os.WriteFile(log, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("it ended")
	ran := false
	var out bytes.Buffer
	err := runSteps(t.Context(), newProgress(&out), c, []step{
		{name: "store", log: "etcd", run: func(context.Context, *cluster, *report) error { return cause }},
		{name: "next", run: func(context.Context, *cluster, *report) error { ran = true; return nil }},
	})
	if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "store: ") || ran {
		t.Errorf("error = %v, next step ran: %t", err, ran)
	}
	printed := out.String()
	for _, want := range []string{"FAILED store", log, "\n  port taken\n"} {
		if !strings.Contains(printed, want) {
			t.Errorf("no %q in:\n%s", want, printed)
		}
	}
	if n := strings.Count(printed, "old\n"); n != 18 {
		t.Errorf("%d older lines shown, want 18 for 20 in all", n)
	}
	if strings.Contains(printed, strings.Repeat("x", maxLogLine+1)) {
		t.Error("a long line is shown whole")
	}
}

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := errors.New("no answer")
		begin := time.Now()
		err := poll(t.Context(), time.Minute, time.Second, func(context.Context) error { return never })
		if !errors.Is(err, never) || time.Since(begin) != time.Minute {
			t.Errorf("error = %v after %s, want the check's own after a minute", err, time.Since(begin))
		}
		tries := 0
		err = poll(t.Context(), time.Minute, time.Second, func(context.Context) error {
			if tries++; tries < 3 {
				return never
			}
			return nil
		})
		if err != nil || tries != 3 {
			t.Errorf("error = %v after %d tries, want none after 3", err, tries)
		}
	})
}
