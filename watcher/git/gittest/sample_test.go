package gittest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

func TestParseSample(t *testing.T) {
	const file = "-- a/headway.yaml --\nname: x\n"
	for _, c := range []struct{ name, text, err string }{
		{"live", "# Prose: of any kind.\nlive: hello\n" + file, ""},
		{"no outcome", "# live or not\n" + file, "says neither"},
		{"no text", "live:\n" + file, "says neither"},
		{"two outcomes", "live: a\nrefused: b\n" + file, "has both live and refused"},
		{"bad link", "live: a\nlink: a b\n" + file, "is not NAME -> TARGET"},
		{"other name", "live: a\n-- headway.yaml --\nname: xy\n", "no headway.yaml with name: x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseSample("x", txtar.Parse([]byte(c.text)))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error = %v, want %q", err, c.err)
			}
		})
	}
}

func TestSampleIsWritten(t *testing.T) {
	s, err := parseSample("x", txtar.Parse([]byte("live: a\nlink: b/y -> ../a/headway.yaml\n-- a/headway.yaml --\nname: x\n")))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := s.Write(dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "b", "y"))
	if err != nil || string(data) != "name: x\n" {
		t.Errorf("read %q, %v through the link", data, err)
	}
}
