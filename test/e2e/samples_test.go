//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

// TestSamples pushes each repository of test/samples and sees it live or
// refused, with the words that its head promises.
func TestSamples(t *testing.T) {
	for _, s := range gittest.Samples(t, filepath.Join(root, "test", "samples")) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			tm := newTeam(t)
			folder := t.TempDir()
			if err := s.Write(folder); err != nil {
				t.Fatal(err)
			}
			code := tm.cloneFrom(folder)
			commit := code.push("Sample")
			code.watch()
			switch s.Outcome {
			case gittest.Live:
				tm.waitLive(s.Name, commit)
				tm.wantAnswer(tm.url(s.Name)+strings.TrimPrefix(s.Path, "/"), s.Text)
			case gittest.Refused:
				code.wantRefused(s.Text)
			case gittest.Fails:
				tm.wantFails(s.Name, commit, s.Text)
			}
		})
	}
}

// wantRefused waits until Headway says that a headway.yaml cannot be used, and
// why.
func (r *repository) wantRefused(text string) {
	r.Helper()
	eventually(r.T, soon, "headway.yaml is refused", func() error {
		status, err := r.status()
		if err != nil {
			return err
		}
		if said := message(status.Conditions, v1alpha1.ConditionSpecValid); !strings.Contains(said, text) {
			return fmt.Errorf("SpecValid says %q, want %q", said, text)
		}
		return nil
	})
}

// wantFails waits until the build of a commit has failed, and says why.
func (tm *team) wantFails(app, commit, text string) {
	tm.Helper()
	eventually(tm.T, built, "the build fails", func() error {
		revision, err := tm.revision(app, commit)
		if err != nil {
			return err
		}
		seen := revision.Status.Conditions
		if err := condition(seen, v1alpha1.ConditionBuilt, metav1.ConditionFalse, v1alpha1.ReasonBuildFailed); err != nil {
			return err
		}
		said := message(seen, v1alpha1.ConditionBuilt) + "\n" + strings.Join(revision.Status.Build.LastLogLines, "\n")
		if !strings.Contains(said, text) {
			return fmt.Errorf("it says %q, want %q", said, text)
		}
		return nil
	})
}
