package specfile

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); go test ./watcher/specfile -update writes it anew\n%s", file, diff)
	}
}

// cases calls run for every YAML file of a folder of testdata.
func cases(t *testing.T, folder string, run func(t *testing.T, data []byte, goldenFile string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata/%s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			run(t, data, strings.TrimSuffix(file, ".yaml")+".golden")
		})
	}
}

func TestParseValid(t *testing.T) {
	cases(t, "valid", func(t *testing.T, data []byte, file string) {
		s, err := Parse("services/web/headway.yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		out, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, file, string(out)+"\n")
	})
}

func TestParseInvalid(t *testing.T) {
	cases(t, "invalid", func(t *testing.T, data []byte, file string) {
		s, err := Parse("headway.yaml", data)
		var problems Problems
		if !errors.As(err, &problems) || len(problems) == 0 || s != nil {
			t.Fatalf("Parse = %v, %v; want no spec and Problems", s, err)
		}
		golden(t, file, err.Error()+"\n")
	})
}

// TestObjects: what files come to in the cluster.
func TestObjects(t *testing.T) {
	cases(t, "sources", func(t *testing.T, data []byte, file string) {
		parse := Parse
		if strings.HasPrefix(t.Name(), "TestObjects/events-file") {
			parse = ParseEvents
		}
		s, err := parse("headway.yaml", data)
		if err != nil {
			golden(t, file, err.Error()+"\n")
			return
		}
		out, err := json.MarshalIndent(s.Objects(), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden(t, file, string(out)+"\n")
	})
}

func TestParseRefusesHugeFile(t *testing.T) {
	data := []byte("name: shop\n#" + strings.Repeat("x", MaxBytes))
	_, err := Parse("headway.yaml", data)
	if err == nil || !strings.Contains(err.Error(), "at most 65536") {
		t.Errorf("error = %v; want one that gives the limit", err)
	}
}

func TestDefaultPathIsTheFolderOfTheFile(t *testing.T) {
	for file, want := range map[string]string{
		"headway.yaml":          ".",
		"services/headway.yaml": "services",
		"./a/b/headway.yaml":    "a/b",
	} {
		s, err := Parse(file, []byte("name: shop"))
		if err != nil {
			t.Fatal(err)
		}
		if s.Path != want {
			t.Errorf("Parse(%q).Path = %q, want %q", file, s.Path, want)
		}
	}
}

func TestErrorIsBounded(t *testing.T) {
	_, err := Parse("headway.yaml", []byte("name: shop\n"+strings.Repeat("z: 1\n", 1000)))
	if lines := strings.Count(err.Error(), "\n") + 1; lines != maxProblems+1 {
		t.Errorf("%d lines, want %d and a count of the rest", lines, maxProblems)
	}
	if len(err.Error()) > 8<<10 {
		t.Errorf("%d bytes of error", len(err.Error()))
	}
}
