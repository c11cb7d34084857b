package promotion

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var update = flag.Bool("update", false, "write what was decided into the scenario files")

// TestScenarios plays testdata/*.txt: each line that does not begin with a
// blank is a moment and what is so from then on, and what is decided follows,
// indented. The words of a moment:
//
//	history c b a   the production ref's revisions, newest first
//	ready a b       revisions that can take requests, and exist
//	unready a b     revisions that exist and cannot
//	gone a          the revision is deleted
//	pin a, unpin    what headway.yaml pins
//	crash a         a container of it ends
//	answers a 9/100 100 answers, 9 of them bad
//	retry a         somebody asks for it again
//	settle a 10m    its health.settle; the default is 2m
//	same b a        b runs the same as a; "same b" ends that
//	died            the process died before it wrote the roles
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(data))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(data), got); diff != "" {
				t.Errorf("-want +got; go test ./reconciler/promotion -update writes it anew:\n%s", diff)
			}
		})
	}
}

var epoch = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

func play(t *testing.T, script string) string {
	in := Input{Revisions: map[string]Revision{}}
	var out strings.Builder
	for line := range strings.Lines(script) {
		switch {
		case strings.HasPrefix(line, "  "):
			continue
		case strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
			out.WriteString(line)
			continue
		}
		out.WriteString(line)
		moment, words, _ := strings.Cut(strings.TrimSpace(line), " ")
		at, err := time.ParseDuration(moment)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		in.Now = epoch.Add(at)
		forget := false
		for command := range strings.SplitSeq(words, ";") {
			fields := strings.Fields(command)
			if fields[0] == "died" {
				forget = true
				continue
			}
			change(t, &in, fields)
		}
		d := Plan(in)
		checkDecision(t, in, d)
		out.WriteString("  " + tell(d) + "\n")
		in.Serving = d.Traffic
		if !forget {
			in.Roles = d.Roles
		}
	}
	return out.String()
}

func change(t *testing.T, in *Input, words []string) {
	each := func(f func(r *Revision)) {
		for _, name := range words[1:2] {
			r := in.Revisions[name]
			f(&r)
			in.Revisions[name] = r
		}
	}
	switch words[0] {
	case "history":
		in.History = words[1:]
	case "ready", "unready":
		for _, name := range words[1:] {
			r, known := in.Revisions[name]
			if r.Ready = words[0] == "ready"; !known {
				r.Settle = 2 * time.Minute
			}
			in.Revisions[name] = r
		}
	case "gone":
		delete(in.Revisions, words[1])
	case "pin":
		in.Pin = words[1]
	case "unpin":
		in.Pin = ""
	case "crash":
		each(func(r *Revision) {
			r.Evidence.Crash = &v1alpha1.Crash{SeenAt: metav1.NewMicroTime(in.Now), Message: "the app exited with code 1"}
		})
	case "answers":
		bad, all, _ := strings.Cut(words[2], "/")
		each(func(r *Revision) { r.Evidence.Answers = Answers{All: number(t, all), Bad: number(t, bad)} })
	case "retry":
		each(func(r *Revision) { r.Retried += "again" })
	case "same":
		each(func(r *Revision) { r.SameAs = strings.Join(words[2:], "") })
	case "settle":
		settle, err := time.ParseDuration(words[2])
		if err != nil {
			t.Fatal(err)
		}
		each(func(r *Revision) { r.Settle = settle })
	default:
		t.Fatalf("unknown word %q", words[0])
	}
}

func number(t *testing.T, s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tell is a decision in one line.
func tell(d Decision) string {
	line := "nothing"
	if live := Live(d.Traffic); live != "" {
		line = live
	}
	for _, r := range d.Roles {
		switch r.Role {
		case v1alpha1.RoleKept:
			line += ", keep " + r.Name
		case v1alpha1.RoleQuarantined:
			line += fmt.Sprintf(", never %s: %s", r.Name, r.Message)
		}
	}
	if d.Failing != "" {
		line += ", failing: " + d.Failing
	}
	if d.Next > 0 {
		line += fmt.Sprintf(", next in %s", d.Next)
	}
	return line
}
