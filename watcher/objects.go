package watcher

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/tree"
)

// objectsTimeout bounds fetching the LFS objects of one app.
const objectsTimeout = 10 * time.Minute

// pointer is a file of which git has a Git LFS pointer only.
type pointer struct {
	git.Pointer
	path string
}

// objects is the content of files, with that of LFS objects in the place of
// their pointers.
type objects struct {
	ctx      context.Context
	cache    *git.Cache
	lfs      *git.LFS
	pointers map[string]pointer
	// app is the headway.yaml that the files belong to.
	app string
}

// content is what the files of an app hold. A pointer is known by its content:
// whether a .gitattributes names it decides nothing about what a build would
// get. The error is a *plan.Problem where the objects cannot be had.
func (l *look) content(ctx context.Context, c *plan.Candidate, files []tree.File) (artifact.Opener, error) {
	o := &objects{ctx: ctx, cache: l.cache, pointers: map[string]pointer{}, app: c.File}
	var wanted []git.Pointer
	first := ""
	for _, f := range files {
		p, ok, err := l.pointer(f)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			continue
		case f.Submodule != "":
			return nil, o.problem(f.Path, "the objects of submodules are not fetched; commit the file itself in "+f.Submodule)
		}
		o.pointers[f.Blob] = pointer{p, f.Path}
		wanted = append(wanted, p)
		first = cmp.Or(first, f.Path)
	}
	if len(wanted) == 0 {
		return l.cache, nil
	}
	var err error
	if o.lfs, err = l.session.LFS(); err != nil {
		return nil, o.problem(first, err.Error())
	}
	l.rest()
	refused, err := o.lfs.Locate(ctx, wanted)
	if err != nil {
		return nil, o.problem(first, err.Error())
	}
	for _, f := range files {
		if why := refused[o.pointers[f.Blob].OID]; why != "" {
			return nil, o.problem(f.Path, why+"; push it with \"git lfs push --all origin\", or commit the file itself")
		}
	}
	return o, nil
}

// pointer reads a file that may be a pointer.
func (l *look) pointer(f tree.File) (git.Pointer, bool, error) {
	if f.Mode == tree.Symlink {
		return git.Pointer{}, false, nil
	}
	size, err := l.cache.Size(f.Blob)
	if err != nil || size >= git.MaxPointer {
		return git.Pointer{}, false, err
	}
	data, err := l.cache.Read(f.Blob, git.MaxPointer)
	if err != nil {
		return git.Pointer{}, false, err
	}
	p, ok := git.ParsePointer(data)
	return p, ok, nil
}

func (o *objects) problem(path, why string) *plan.Problem {
	return plan.NewProblem(v1alpha1.ReasonSourceIncomplete, "%s: %s is a Git LFS pointer, and its object cannot be fetched: %s", o.app, path, why)
}

// Open gives the content of a file and its size in bytes.
func (o *objects) Open(blob string) (int64, io.ReadCloser, error) {
	p, ok := o.pointers[blob]
	if !ok {
		if err := o.cache.Hold(o.ctx); err != nil {
			return 0, nil, err
		}
		return o.cache.Open(blob)
	}
	o.cache.Rest() // a download takes as long as its server likes
	return p.Size, &objectContent{o.lfs.Open(o.ctx, p.Pointer), o, p.path}, nil
}

// objectContent names the file that cannot be read.
type objectContent struct {
	io.ReadCloser
	of   *objects
	path string
}

func (c *objectContent) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = c.of.problem(c.path, err.Error())
	}
	return n, err
}
