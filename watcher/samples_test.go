package watcher

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

var update = flag.Bool("update", false, "write the golden files of the samples anew")

// TestSamples pushes each repository of test/samples to a real git server and
// writes down what the watcher makes of it: the message, or the template, its
// arguments and the files that a build gets. test/e2e does the rest of the way.
func TestSamples(t *testing.T) {
	for _, s := range gittest.Samples(t, "../test/samples") {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := s.Write(w.git.Path("")); err != nil {
				t.Fatal(err)
			}
			w.git.CommitAndPush("sample", nil)
			w.look()
			got := w.reading()
			if refused := !strings.HasPrefix(got, "build "); refused != (s.Outcome == gittest.Refused) ||
				refused && !strings.Contains(got, s.Text) {
				t.Errorf("want %s: %s\ngot %s", s.Outcome, s.Text, got)
			}
			golden := filepath.Join("testdata", "samples", s.Name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s differs (-want +got); go test ./watcher -run TestSamples -update writes it anew\n%s", golden, diff)
			}
		})
	}
}

// TestExamples: each folder of examples is a repository that can be followed.
func TestExamples(t *testing.T) {
	const root = "../examples"
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if err := os.CopyFS(w.git.Path(""), os.DirFS(filepath.Join(root, e.Name()))); err != nil {
				t.Fatal(err)
			}
			w.git.CommitAndPush("example", nil)
			w.look()
			w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
			w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
			if len(w.revisions()) == 0 {
				t.Error("no revision was made")
			}
		})
	}
}

// reading is what came of the only app: its build, or why there is none.
func (w *world) reading() string {
	w.t.Helper()
	revisions := w.revisions()
	if len(revisions) == 0 {
		var said strings.Builder
		for _, c := range w.repo().Status.Conditions {
			if c.Status != "True" {
				fmt.Fprintf(&said, "%s %s\n%s\n", c.Type, c.Reason, c.Message)
			}
		}
		return said.String()
	}
	rev := revisions[slices.Collect(maps.Keys(revisions))[0]]
	if c := meta.FindStatusCondition(w.repo().Status.Conditions, v1alpha1.ConditionSpecValid); len(revisions) != 1 || c.Status != "True" {
		w.t.Fatalf("%d revisions, %s", len(revisions), c.Message)
	}
	lines := []string{"build " + rev.Spec.Build.Template}
	for _, arg := range slices.Sorted(maps.Keys(rev.Spec.Build.Args)) {
		lines = append(lines, fmt.Sprintf("  %s: %s", arg, rev.Spec.Build.Args[arg]))
	}
	lines = append(lines, "path "+rev.Spec.Source.Path)
	return strings.Join(append(lines, w.packed(rev.Spec.Source.Digest)...), "\n") + "\n"
}

// packed are the names of the files in an artifact.
func (w *world) packed(digest string) []string {
	w.t.Helper()
	var names []string
	w.eachPacked(digest, func(header *tar.Header, _ io.Reader) {
		name := header.Name
		if header.Linkname != "" {
			name += " -> " + header.Linkname
		}
		names = append(names, "  "+name)
	})
	return names
}

// unpacked are the contents of the files in an artifact.
func (w *world) unpacked(digest string) map[string]string {
	w.t.Helper()
	files := map[string]string{}
	w.eachPacked(digest, func(header *tar.Header, content io.Reader) {
		data, err := io.ReadAll(content)
		if err != nil {
			w.t.Fatal(err)
		}
		files[header.Name] = string(data)
	})
	return files
}

func (w *world) eachPacked(digest string, visit func(*tar.Header, io.Reader)) {
	w.t.Helper()
	answer := httptest.NewRecorder()
	w.r.artifacts.Handler().ServeHTTP(answer, httptest.NewRequest("GET", artifact.Path+digest+".tar.gz", nil))
	unzipped, err := gzip.NewReader(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			w.t.Fatal(err)
		}
		visit(header, archive)
	}
}
