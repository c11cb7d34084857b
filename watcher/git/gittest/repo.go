// Package gittest gives tests real git repositories behind real git servers:
// git's own http-backend, and git's programs behind an ssh server.
package gittest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Repo is a bare repository and a work tree that pushes into it.
type Repo struct {
	t    testing.TB
	work string
	// Name under which the servers know it, such as "shop.git".
	Name string
	// Bare is the folder of the bare repository.
	Bare string
}

// NewRepo makes an empty repository in root. Its branch is main.
// More options of git init, such as --object-format=sha256, may be given.
func NewRepo(t testing.TB, root, name string, options ...string) *Repo {
	t.Helper()
	r := &Repo{t: t, work: t.TempDir(), Name: name, Bare: filepath.Join(root, name)}
	init := append([]string{"init", "--quiet", "--initial-branch=main"}, options...)
	r.run(root, "", append(init, "--bare", r.Bare)...)
	r.Git(init...)
	r.Git("remote", "add", "origin", r.Bare)
	return r
}

// Git runs git in the work tree and returns its output without the line end.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return r.run(r.work, "", args...)
}

// GitInput is Git with something on standard input.
func (r *Repo) GitInput(input string, args ...string) string {
	r.t.Helper()
	return r.run(r.work, input, args...)
}

func (r *Repo) run(dir, input string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "git", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(input)
	cmd.Env = append(os.Environ(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimRight(out.String(), "\n")
}

// Write writes files into the work tree.
func (r *Repo) Write(files map[string]string) {
	r.t.Helper()
	for name, content := range files {
		path := r.Path(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Commit writes files, commits everything in the work tree and returns the
// commit's hash.
func (r *Repo) Commit(message string, files map[string]string) string {
	r.t.Helper()
	r.Write(files)
	r.Git("add", "--all")
	r.Git("commit", "--quiet", "--allow-empty", "-m", message)
	return r.Git("rev-parse", "HEAD")
}

// CommitAt makes a commit of the files that HEAD has, made at a time, without
// a branch that points at it, and returns its hash.
func (r *Repo) CommitAt(when time.Time) string {
	r.t.Helper()
	who := fmt.Sprintf("Ada <ada@example.com> %d +0000", when.Unix())
	return r.GitInput(fmt.Sprintf("tree %s\nauthor %s\ncommitter %s\n\nat %s\n", r.Git("rev-parse", "HEAD^{tree}"), who, who, when),
		"hash-object", "-t", "commit", "-w", "--stdin")
}

// Push pushes what the arguments of git push say; none means the current
// branch.
func (r *Repo) Push(args ...string) {
	r.t.Helper()
	if len(args) == 0 {
		args = []string{"HEAD"}
	}
	r.Git(append([]string{"push", "--quiet", "origin"}, args...)...)
}

// CommitAndPush is Commit and Push of the current branch.
func (r *Repo) CommitAndPush(message string, files map[string]string) string {
	r.t.Helper()
	commit := r.Commit(message, files)
	r.Push()
	return commit
}

// Hook puts a hook into the bare repository, a script for sh. It runs there.
func (r *Repo) Hook(name, script string) {
	r.t.Helper()
	dir := filepath.Join(r.Bare, "hooks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		r.t.Fatal(err)
	}
}

// InBare runs git in the bare repository and returns its output without the
// line end.
func (r *Repo) InBare(args ...string) string {
	r.t.Helper()
	return r.run(r.Bare, "", args...)
}

// Path of a file in the work tree.
func (r *Repo) Path(name string) string { return filepath.Join(r.work, filepath.FromSlash(name)) }

// AddSubmodule stages a submodule: the folder path is what the commit holds of
// the repository at url. Nothing is cloned.
func (r *Repo) AddSubmodule(path, url, commit string) {
	r.t.Helper()
	if err := os.MkdirAll(r.Path(path), 0o755); err != nil { // git add takes a missing folder for a removed one
		r.t.Fatal(err)
	}
	r.Git("config", "--file", ".gitmodules", "submodule."+path+".path", path)
	r.Git("config", "--file", ".gitmodules", "submodule."+path+".url", url)
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+commit+","+path)
}
