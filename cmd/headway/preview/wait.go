package preview

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// lookInterval is how often the cluster is asked.
const lookInterval = time.Second

// follow waits until the previews of a branch serve a commit, telling what happens
// on the way, and prints their URLs.
func (l *seen) follow(ctx context.Context, s cli.Streams, ref, commit string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for said := ""; ; {
		p, err := l.progress(ctx, ref, commit)
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Errorf("%s has no preview after %s (last: %s); headway previews shows what follows", v1alpha1.ShortRef(ref), timeout, cli.OrDash(said))
		case ctx.Err() != nil:
			return errors.New("interrupted; the preview comes all the same, and headway previews shows it")
		case err != nil:
			return l.cluster.Advise(err)
		case p.failed != "":
			return errors.New(p.failed)
		case p.urls != nil:
			for _, url := range p.urls {
				if _, err := fmt.Fprintln(s.Out, url); err != nil {
					return err
				}
			}
			return nil
		case p.text != said:
			said = p.text
			_, _ = fmt.Fprintln(s.Err, cli.Printable(said, 500))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// progress asks the cluster once.
func (l *seen) progress(ctx context.Context, ref, commit string) (progress, error) {
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	for _, list := range []client.ObjectList{&apps, &revisions} {
		if err := l.cluster.List(ctx, list, client.InNamespace(l.cluster.Namespace)); err != nil {
			return progress{}, fmt.Errorf("reading previews: %w", err)
		}
	}
	var r v1alpha1.Repository
	if err := l.cluster.Get(ctx, client.ObjectKeyFromObject(l.repository), &r); err != nil {
		return progress{}, fmt.Errorf("reading repository %s: %w", l.repository.Name, err)
	}
	return progressOf(&r, apps.Items, revisions.Items, ref, commit), nil
}

// progress is how far the previews of a commit are.
type progress struct {
	// text is what happens now.
	text string
	// urls of the previews, once all of them serve the commit.
	urls []string
	// failed is why there will be none without another push.
	failed string
}

// progressOf says how far the previews of a commit are that a branch has.
func progressOf(r *v1alpha1.Repository, apps []v1alpha1.App, revisions []v1alpha1.Revision, ref, commit string) progress {
	i := slices.IndexFunc(r.Status.Requests, func(q v1alpha1.RequestStatus) bool { return q.Ref == ref && q.Commit == commit })
	if i < 0 {
		return progress{text: fmt.Sprintf("waiting for the next look at repository %s; headway repo sync %s makes one at once", r.Name, r.Name)}
	}
	switch q := &r.Status.Requests[i]; q.State {
	case v1alpha1.RequestPreviewed:
		return previewsOf(r, q, apps, revisions, commit)
	case v1alpha1.RequestWaiting:
		return progress{text: q.Message}
	default:
		return progress{failed: fmt.Sprintf("%s has no preview (%s): %s", v1alpha1.ShortRef(ref), q.State, q.Message)}
	}
}

func previewsOf(r *v1alpha1.Repository, q *v1alpha1.RequestStatus, apps []v1alpha1.App, revisions []v1alpha1.Revision, commit string) progress {
	var p progress
	waits := 0
	for i := range apps {
		app := &apps[i]
		if !slices.Contains(q.Previews, app.Name) || app.Namespace != r.Namespace {
			continue
		}
		head := headAt(app, commit)
		if head != "" && app.Status.Live == head {
			p.urls = append(p.urls, app.Status.URL)
			continue
		}
		waits++
		e := explain.ForPreview(app, r, revisions)
		p.text = fmt.Sprintf("%s: %s", app.Name, e.State.Word)
		if head == "" || app.Status.ObservedGeneration < app.Generation {
			continue // still about an earlier commit
		}
		for _, f := range explain.PreviewFindings(nil, apps[i:i+1], revisions) {
			if f.Severity == explain.Failed {
				p.failed = f.String()
			}
		}
	}
	if waits > 0 || len(p.urls) < len(q.Previews) {
		p.urls = nil
	}
	return p
}

// headAt is the revision that an App has at a commit; empty while the App is at
// another one.
func headAt(app *v1alpha1.App, commit string) string {
	for _, h := range app.Spec.Heads {
		if h.Commit == commit {
			return h.Revision
		}
	}
	return ""
}
