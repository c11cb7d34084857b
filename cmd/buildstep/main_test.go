package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// TestExitCode: Tekton passes it on, and Headway takes 75 for a failure that may
// pass.
func TestExitCode(t *testing.T) {
	wrong := errors.New("does not compile")
	for _, tc := range []struct {
		err   error
		ended bool
		want  int
	}{
		{wrong, false, 1},
		{fmt.Errorf("pushing: %w", &tool.Passing{Err: wrong}), false, 75},
		{wrong, true, 75},
	} {
		if got := exitCode(tc.err, tc.ended); got != tc.want {
			t.Errorf("%v, ended %v: %d, want %d", tc.err, tc.ended, got, tc.want)
		}
	}
}
