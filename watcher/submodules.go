package watcher

import (
	"context"
	"errors"
	"fmt"

	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/tree"
)

// maxSubmodules bounds the submodules that are fetched for one commit.
const maxSubmodules = 20

// addSubmodules puts the files of submodules among those of a commit, of those
// alone that one of its apps reaches. Why one cannot be had is noted in it: it
// is a problem of the apps that reach it. The error is about the cache.
func (l *look) addSubmodules(ctx context.Context, c *commit) error {
	var reached []int
	for i, sub := range c.Submodules {
		if c.specs.Reach(sub.Path) {
			reached = append(reached, i)
		}
	}
	if len(reached) == 0 {
		return nil
	}
	urls, err := l.moduleURLs(c)
	if errors.Is(err, git.ErrCorrupt) {
		return err
	}
	for n, i := range reached {
		sub := c.Submodules[i]
		sub.URL = git.WithoutCredentials(urls[sub.Path])
		switch {
		case err != nil:
			sub.Err = err
		case n >= maxSubmodules:
			sub.Err = fmt.Errorf("at most %d submodules are fetched for one commit; commit the files of some, or narrow path and watch", maxSubmodules)
		default:
			sub.Err = l.graft(ctx, c, sub, urls[sub.Path])
		}
		if errors.Is(sub.Err, git.ErrCorrupt) {
			return sub.Err
		}
		c.Submodules[i] = sub
		l.again[c.Hash] = l.again[c.Hash] || sub.Err != nil
	}
	return nil
}

func (l *look) moduleURLs(c *commit) (map[string]string, error) {
	f, found := c.File(git.ModulesFile)
	if !found || f.Mode == tree.Symlink {
		return nil, nil
	}
	data, err := l.cache.Read(f.Blob, git.MaxModulesFile)
	if err != nil {
		return nil, err
	}
	if len(data) > git.MaxModulesFile {
		return nil, fmt.Errorf("%s is longer than %d KiB", git.ModulesFile, git.MaxModulesFile>>10)
	}
	return git.ModuleURLs(data)
}

// graft fetches a submodule and puts its files among those of the commit. What
// it has as submodules itself is noted as such, and not fetched.
func (l *look) graft(ctx context.Context, c *commit, sub tree.Submodule, url string) error {
	if url == "" {
		return fmt.Errorf("%s does not name it; add it with \"git submodule add URL %s\", or remove it with \"git rm --cached %s\"", git.ModulesFile, sub.Path, sub.Path)
	}
	if err := l.cache.FetchSubmodule(ctx, l.session, url, sub.Commit); err != nil {
		return err
	}
	files, err := l.cache.Commit(ctx, sub.Commit)
	if err != nil {
		return err
	}
	if most := git.DefaultLimits().Entries; len(c.Files)+len(files.Files) > most {
		return fmt.Errorf("with it the commit has more than %d files", most)
	}
	c.Graft(sub.Path, files)
	for _, nested := range files.Submodules {
		nested.Path = sub.Path + "/" + nested.Path
		nested.Err = fmt.Errorf("submodules of submodules are not fetched; commit its files in %s, or leave it out with ignore", sub.Path)
		c.Submodules = append(c.Submodules, nested)
	}
	return nil
}
