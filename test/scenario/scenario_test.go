package scenario

import (
	"strings"
	"testing"
)

// TestPlay plays a file whose lines are numbers, and what each leads to is the sum
// so far: it finds the file, leaves out what an earlier run wrote, and compares.
func TestPlay(t *testing.T) {
	played := 0
	t.Run("files", func(t *testing.T) {
		Play(t, func(_ *testing.T, script []string) string {
			played++
			var out strings.Builder
			for n, line := range script {
				out.WriteString(line)
				if line[0] != '#' {
					out.WriteString("  " + strings.Repeat("|", n) + "\n")
				}
			}
			return out.String()
		})
	})
	if played != 1 {
		t.Errorf("%d files were played, want 1", played)
	}
}
