package main

import (
	"strings"
	"testing"

	"github.com/headway-dev/headway/cmd/manager"
)

func TestRunChecksItsFlags(t *testing.T) {
	for _, tc := range []struct {
		f    flags
		want string // part of the error
	}{
		{flags{Flags: manager.Flags{Activators: "b"}}, "must be namespace/name"},
		{flags{Flags: manager.Flags{Activators: "a/b/c"}}, "must be namespace/name"},
		{flags{Flags: manager.Flags{Activators: "/b"}}, "must be namespace/name"},
		{flags{Flags: manager.Flags{Activators: "a/b"}, parkKey: t.TempDir()}, "reading the key that wakes parked pods"},
	} {
		if err := run(t.Context(), tc.f); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %s", tc.f, err, tc.want)
		}
	}
}
