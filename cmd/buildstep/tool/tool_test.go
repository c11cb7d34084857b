package tool

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// all takes every line for the cause.
type all []string

func (a *all) Line(line string) { *a = append(*a, line) }
func (a *all) String() string   { return strings.Join(*a, "|") }

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name, script string
		output       string
		want         error
	}{
		{"well", "echo fine", "fine\n", nil},
		{"badly", "echo one; printf 'two\\r\\n\\nthree' >&2; exit 3", "one\ntwo\r\n\nthree", &Failed{Tool: "sh", Cause: "one|two|three"}},
		{"badly, without a word", "exit 1", "", &Failed{Tool: "sh"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var output bytes.Buffer
			err := Run(t.Context(), exec.CommandContext(t.Context(), "sh", "-c", test.script), &output, &all{})
			if diff := cmp.Diff(test.want, err); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if output.String() != test.output {
				t.Errorf("output %q, want %q", output.String(), test.output)
			}
		})
	}
}

func TestRunSaysWhyNothingRan(t *testing.T) {
	err := Run(t.Context(), exec.CommandContext(t.Context(), "/no/such/compiler"), t.Output(), &all{})
	if err == nil || errors.As(err, new(*Failed)) || !strings.Contains(err.Error(), "starting compiler: ") {
		t.Errorf("error = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, exec.CommandContext(ctx, "sh", "-c", "exit 1"), t.Output(), &all{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error = %v", err)
	}
}

// TestLinesAreBounded: a tool may print a file without a line end.
func TestLinesAreBounded(t *testing.T) {
	var got all
	lines := &splitter{each: got.Line}
	for range 3 {
		if n, err := lines.Write(bytes.Repeat([]byte("x"), longest-1)); n != longest-1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := lines.Write([]byte("\nnext\n")); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || len(got[0]) != longest || got[1] != "next" {
		t.Errorf("%d lines, the first of %d bytes", len(got), len(got[0]))
	}
}

func TestFailed(t *testing.T) {
	if got := (&Failed{Tool: "go"}).Error(); got != "go failed" {
		t.Errorf("without a cause: %q", got)
	}
	if got := (&Failed{Tool: "go", Cause: "main.go:1:1: no"}).Error(); got != "main.go:1:1: no" {
		t.Errorf("with a cause: %q", got)
	}
}
