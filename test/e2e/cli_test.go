//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headway-dev/headway/deploy/local/layout"
)

// headway runs the CLI in the team's namespace; it has to succeed.
func (tm *team) headway(arguments ...string) string {
	tm.Helper()
	return tm.headwayWith("", arguments...)
}

// headwayWith gives the CLI something to read.
func (tm *team) headwayWith(input string, arguments ...string) string {
	tm.Helper()
	arguments = append(arguments, "--namespace", tm.namespace)
	command := exec.CommandContext(tm.Context(), cli, arguments...)
	command.Stdin = strings.NewReader(input)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		tm.Fatalf("headway %s: %v\n%s%s", strings.Join(arguments, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// TestCommandLine: a newcomer's way, by the CLI alone.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("hello")
	commit := code.push("First")
	tm.headwayWith(cluster.GitPassword+"\n", "repo", "add", code.tree.URL, "--name", repositoryName, "--username", layout.GitUser, "--password-stdin", "--wait")
	if out := tm.headway("repo", "list"); !strings.Contains(out, repositoryName) {
		t.Errorf("repo list prints %q", out)
	}
	tm.waitLive("hello", commit)

	for _, text := range []string{"hello", commit[:8], "100%", strings.TrimSuffix(tm.url("hello"), "/")} {
		if out := tm.headway("status"); !strings.Contains(out, text) {
			t.Errorf("status does not say %q:\n%s", text, out)
		}
	}
	if out := tm.headway("status", "--output", "json"); !json.Valid([]byte(out)) || !strings.Contains(out, commit) {
		t.Errorf("status -o json has no commit or is no JSON:\n%s", out)
	}
	if out := tm.headway("logs", "hello"); !strings.Contains(out, "listening on") {
		t.Errorf("logs do not show what the app wrote:\n%s", out)
	}
	if out := tm.headway("logs", "hello", "--build"); !strings.Contains(out, "build") {
		t.Errorf("logs --build shows no build:\n%s", out)
	}
}

// TestValidateAsksTheCluster: which templates there are is known to the cluster
// alone.
func TestValidateAsksTheCluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "headway.yaml"), []byte("name: x\nbuild: {with: node}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), cli, "validate", dir).CombinedOutput()
	if text := `build.with: no build template is called "node"; installed: dockerfile, go, static`; err == nil || !strings.Contains(string(out), text) {
		t.Errorf("validate prints %q (%v), want %q", out, err, text)
	}
}
