package revision

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestEndOf: what a long log says last must not be lost.
func TestEndOf(t *testing.T) {
	for _, tc := range []struct {
		name, log string
		longest   int
		want      string
	}{
		{"empty", "", 10, ""},
		{"short", "one\ntwo\n", 10, "one\ntwo\n"},
		{"long", strings.Repeat("x", 100_000) + "\nthe cause", 12, "xx\nthe cause"},
	} {
		got, err := endOf(iotest.HalfReader(strings.NewReader(tc.log)), tc.longest)
		if err != nil || got != tc.want {
			t.Errorf("%s: %q, %v; want %q", tc.name, got, err, tc.want)
		}
	}
	broken := io.MultiReader(strings.NewReader("one\n"), iotest.ErrReader(errors.New("gone")))
	if got, err := endOf(broken, 10); err == nil {
		t.Errorf("a log that breaks off gives %q", got)
	}
}
