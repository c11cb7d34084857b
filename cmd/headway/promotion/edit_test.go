package promotion

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/headway-dev/headway/watcher/specfile"
)

var update = flag.Bool("update", false, "write the expected results anew")

// changesIn reads changes as an edit writes them, one a line: "pin: 1a2b3c4d" or
// "no pin".
func changesIn(text string) (all []change) {
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		if key, removed := strings.CutPrefix(l, "no "); removed {
			all = append(all, change{key: key})
		} else if key, value, set := strings.Cut(l, ": "); set {
			all = append(all, change{key, value})
		}
	}
	return all
}

// TestEdit makes the changes of each file in testdata/edit: the comment has
// them, "before" is the file, and "after" is the diff or why there is none. The
// letters ␍ and ␄ stand for a carriage return and for a file that ends without a
// line's end.
func TestEdit(t *testing.T) {
	files, err := filepath.Glob("testdata/edit/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) != 2 {
				t.Fatalf("%v, want two files", err)
			}
			before := strings.NewReplacer("␍", "\r", "␄\n", "").Replace(string(archive.Files[0].Data))
			e, err := editSpec("headway.yaml", []byte(before), changesIn(string(archive.Comment))...)
			got := ""
			if err != nil {
				got = "refused: " + err.Error() + "\n"
			} else {
				got = e.diff("headway.yaml") + "\n" + string(e.after())
				if got = strings.ReplaceAll(got, "\r", "␍"); !strings.HasSuffix(got, "\n") {
					got += "␄\n"
				}
			}
			if *update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got); go test ./cmd/headway/promotion -update writes it anew\n%s", diff)
			}
		})
	}
}

// FuzzEdit: whatever valid file is changed, it asks for the same as before, but
// for what the change is about, and no line goes that the change does not name.
func FuzzEdit(f *testing.F) {
	seeds, err := filepath.Glob("../../../watcher/specfile/testdata/valid/*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, seed := range seeds {
		data, err := os.ReadFile(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	for _, text := range []string{
		"name: a\npin: \"1234567\"", "{name: a}", "name: a\r\nenv:\r\n  pin: x\r\n", "? name\n: a", "name: a # b\n\n...\n",
		"  name: a\n  pin: 1234567  # for now\n", "name: a\rpin: 1234567", "pin: 1234567\nname: a\n# the end", "env: {name: b}\nname: a\u2028pin: ''",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before, err := specfile.Parse("headway.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, c := range []change{{"pin", strings.Repeat("12345e67", 5)}, {key: "pin"}, {"hold", "true"}, {key: "hold"}} {
			e, err := editSpec("headway.yaml", []byte(text), c)
			if err != nil {
				continue
			}
			after, err := specfile.Parse("headway.yaml", e.after())
			if err != nil {
				t.Fatalf("%s: %v\n%s", c, err, e.after())
			}
			if c.key == "pin" && after.Pin != c.value || c.key == "hold" && after.Hold != (c.value == "true") {
				t.Fatalf("%s: pin is %q, hold %t\n%s", c, after.Pin, after.Hold, e.after())
			}
			was := *before
			if c.key == "pin" {
				was.Pin = after.Pin
			} else {
				was.Hold = after.Hold
			}
			if diff := cmp.Diff(asked(t, &was), asked(t, after)); diff != "" {
				t.Fatalf("%s changes more:\n%s\n%s", c, diff, e.after())
			}
			for _, l := range e {
				if l.op == '-' && !strings.Contains(l.text, c.key) {
					t.Fatalf("%s takes the line %q away", c, l.text)
				}
			}
		}
	})
}

// asked is what a file asks for, wherever it is written.
func asked(t *testing.T, s *specfile.Spec) string {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
