package gitserver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/headway-dev/headway/deploy/command"
)

func (s *Server) exists(repository string) bool {
	_, err := os.Stat(filepath.Join(s.options.Root, filepath.FromSlash(repository), "HEAD"))
	return err == nil
}

// Create makes an empty bare repository, "name.git" or "owner/name.git", whose
// HEAD is the branch main. One that exists is left as it is.
func (s *Server) Create(ctx context.Context, repository string) error {
	if !validName(repository) {
		return fmt.Errorf("%q is not a repository name: want name.git or owner/name.git", repository)
	}
	s.create.Lock()
	defer s.create.Unlock()
	if s.exists(repository) {
		return nil
	}
	// It is made aside and renamed, so that a kill in the middle leaves nothing
	// that looks like a repository.
	building, err := os.MkdirTemp(s.options.Root, ".new-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(building)
	steps := [][]string{
		{"init", "--quiet", "--bare", "--initial-branch=main", building},
		{"config", "http.receivepack", "true"},
		{"config", "receive.maxInputSize", strconv.FormatInt(s.options.MaxBytes, 10)},
		{"config", "uploadpack.allowReachableSHA1InWant", "true"},
		{"config", "uploadpack.allowFilter", "true"},
	}
	for _, arguments := range steps {
		if err := s.git(ctx, building, arguments...); err != nil {
			return err
		}
	}
	target := filepath.Join(s.options.Root, filepath.FromSlash(repository))
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return fmt.Errorf("making the owner's folder: %w", err)
	}
	if err := os.Rename(building, target); err != nil {
		return fmt.Errorf("naming the new repository: %w", err)
	}
	s.options.Logger.Info("repository created", "repository", repository)
	return nil
}

// git runs in a repository with no configuration but the repository's own.
func (s *Server) git(ctx context.Context, folder string, arguments ...string) error {
	git := exec.CommandContext(ctx, "git", arguments...)
	git.Dir = folder
	git.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.options.Root,
		"GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
	}
	_, err := command.Output(git)
	return err
}
