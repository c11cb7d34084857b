package command

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

func TestOutput(t *testing.T) {
	printed, err := Output(exec.Command("sh", "-c", "echo out; echo aside >&2"))
	if err != nil || printed != "out\n" {
		t.Errorf("printed %q, %v", printed, err)
	}
	_, err = Output(exec.Command("sh", "-c", "echo why >&2; exit 3", "swordfish"))
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Fatalf("error = %v", err)
	}
	if text := err.Error(); !strings.HasPrefix(text, "running sh -c: ") || !strings.HasSuffix(text, "\nwhy") || strings.Contains(text, "swordfish") {
		t.Errorf("error = %q", text)
	}
	if _, err := Output(exec.Command("/no/such/program")); err == nil || !strings.HasPrefix(err.Error(), "running program: ") {
		t.Errorf("error = %v", err)
	}
}

func TestLastLines(t *testing.T) {
	for text, want := range map[string]string{"": "", "a\n": "a", "a\nb\nc\n": "b\nc"} {
		if got := LastLines(text, 2); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
