package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/plan"
)

const (
	// settleLook is the wait for another look where git and the forge do not agree
	// on a branch, as a push is under way, or on the repository, as it was just made.
	settleLook = 5 * time.Second
	// A fork that waits is asked about when its request has changed, and else once
	// in approvalEvery: not every forge counts an approval as a change. A change is
	// told to the second by some, so one that was younger than freshChange when it was
	// asked about may hide another. maxAsked is how many at most in one look.
	approvalEvery = time.Minute
	freshChange   = 2 * time.Second
	maxAsked      = 20
)

// forges gives the client of a Repository's forge; nil where it has none.
type forges interface {
	Client(ctx context.Context, repo *v1alpha1.Repository) (forge.Client, error)
	Forget(uid types.UID)
}

// asked is when the approvals of a request were last read, and what the request
// was then.
type asked struct {
	at, updated time.Time
	commit      string
}

// forgeSays are the open requests, and how the forge is.
type forgeSays struct {
	requests []*plan.Request
	// state is that of the condition Forge; nil where there is no forge.
	state *condition.State
	// further: there may be more than were listed.
	further bool
}

// readRequests adds the open requests to what a plan follows from. The error is
// one of the Kubernetes API, of the git server, or of the cache: one of the forge
// changes nothing.
func (r *Reconciler) readRequests(ctx context.Context, repo *v1alpha1.Repository, l *look, f *seen) error {
	listing := &plan.Listing{Refs: l.session.Refs(), Before: repo.Status.Requests, Differs: l.memory.differs, Now: r.now()}
	said, err := r.askForge(ctx, repo, l, f, listing)
	if err != nil {
		return err
	}
	f.forge = said.state
	if said.further {
		l.omitted = append(l.omitted, plan.NewProblem(v1alpha1.ReasonTooManyRefs, "the forge has %d open requests or more; the newest %d are followed. Close those that nobody needs", forge.MaxRequests, forge.MaxRequests))
	}
	f.Requests = l.addBranches(f, listing, said.requests)
	return l.readAll(ctx, f)
}

// askForge lists the open requests. Where the forge does not answer they are as
// they were, and own branches are followed by what git advertises.
func (r *Reconciler) askForge(ctx context.Context, repo *v1alpha1.Repository, l *look, f *seen, listing *plan.Listing) (forgeSays, error) {
	client, err := r.forges.Client(ctx, repo)
	if err == nil && client == nil {
		return forgeSays{}, nil
	}
	var said forgeSays
	var open []forge.Request
	l.rest()
	if err == nil {
		open, err = client.Requests(ctx)
	}
	if err == nil {
		said = l.openRequests(client, open, listing)
		err = r.askApprovals(ctx, l, f, client, said.requests, open)
	} else {
		for _, before := range listing.Before {
			if before.Number > 0 && !v1alpha1.InMergeQueue(before.Ref) {
				said.requests = append(said.requests, listing.Again(before))
			}
		}
	}
	var refused *forge.Error
	switch {
	case ctx.Err() != nil:
		return forgeSays{}, ctx.Err()
	case err == nil:
		said.state = new(condition.True(v1alpha1.ReasonConnected, client.Name()+" answers"))
	case errors.As(err, &refused):
		r.log.Debug("forge is not asked", "namespace", repo.Namespace, "repository", repo.Name, "error", err)
		said.state = new(condition.False(refused.Reason, refused.Message))
		if 0 < refused.RetryAfter && refused.RetryAfter <= settleLook {
			l.soon = settleLook
		}
	default:
		return forgeSays{}, fmt.Errorf("asking the forge: %w", err)
	}
	return said, nil
}

// openRequests makes requests of what the forge has said.
func (l *look) openRequests(client forge.Client, open []forge.Request, listing *plan.Listing) forgeSays {
	said := forgeSays{further: len(open) >= forge.MaxRequests}
	numbers := map[int64]bool{}
	for _, o := range open[:min(len(open), forge.MaxRequests)] {
		if numbers[o.Number] || o.Number <= 0 {
			continue
		}
		numbers[o.Number] = true
		request, settled := listing.Request(plan.Open{
			Number: o.Number, Title: o.Title, Author: o.Author, URL: o.URL, HeadRef: o.HeadRef, HeadSHA: o.HeadSHA, BaseRef: o.BaseRef,
			SameRepository: o.SameRepository, Draft: o.Draft, ForkRef: client.HeadRef(o.Number),
		})
		if !settled {
			l.soon = settleLook
		}
		if request != nil {
			said.requests = append(said.requests, request)
		}
	}
	maps.DeleteFunc(l.memory.differs, func(number int64, _ time.Time) bool { return !numbers[number] })
	maps.DeleteFunc(l.memory.asked, func(number int64, _ asked) bool { return !numbers[number] })
	return said
}

// askApprovals asks whether a person has approved the commits of forks that wait.
func (r *Reconciler) askApprovals(ctx context.Context, l *look, f *seen, client forge.Client, requests []*plan.Request, open []forge.Request) error {
	updated := map[int64]time.Time{}
	for _, o := range open {
		updated[o.Number] = o.Updated
	}
	count := 0
	for _, request := range requests {
		was, is := l.memory.asked[request.Number], asked{r.now(), updated[request.Number], request.Commit}
		news := was.commit != is.commit || !was.updated.Equal(is.updated) || is.at.Sub(was.at) >= approvalEvery || was.at.Sub(was.updated) < freshChange
		if count >= maxAsked || !news || !f.WaitsForApproval(request) {
			continue
		}
		count++
		approvals, err := client.Approvals(ctx, request.Number)
		if err != nil {
			return err
		}
		for _, a := range approvals {
			// The start of a hash approves what was there to be seen when it was written:
			// a commit with the same start is soon made.
			if len(a.Commit) < plan.FullHash && a.At.Before(request.Pushed.Time) {
				continue
			}
			if request.Approve(a.Commit, a.By) {
				r.log.Info("commit of a fork is approved", "request", request.Number, "commit", request.Commit, "by", a.By)
				break
			}
		}
		if f.WaitsForApproval(request) { // else it is asked again if this look fails before it writes that down
			l.memory.asked[request.Number] = is
		}
	}
	return nil
}

// addBranches adds the branches that have previews by their names, as many as
// there is room for: those that were followed before, then in the order of their
// names.
func (l *look) addBranches(f *seen, listing *plan.Listing, requests []*plan.Request) []*plan.Request {
	branches := f.PreviewBranches(listing.Refs, requests)
	known := map[string]int{}
	for _, before := range listing.Before {
		known[before.Ref] = -1
	}
	slices.SortStableFunc(branches, func(a, b string) int { return known[a] - known[b] })
	room := max(plan.MaxRequests-len(requests), 0)
	if len(branches) > room {
		var left []string
		for _, ref := range branches[room:] {
			left = append(left, v1alpha1.ShortRef(ref))
		}
		l.omitted = append(l.omitted, plan.NewProblem(v1alpha1.ReasonTooManyRefs, "preview.branches match too many branches; at most %d requests and branches are followed, these are not: %s. Make the globs narrower, or delete branches that nobody needs",
			plan.MaxRequests, plan.FirstFew(left)))
		branches = branches[:room]
	}
	for _, ref := range branches {
		requests = append(requests, listing.Branch(ref))
	}
	return requests
}

// readAll reads the commits of the requests that may have previews. What cannot
// be read is a problem of that request alone.
func (l *look) readAll(ctx context.Context, f *seen) error {
	l.heads = map[string]bool{}
	for _, request := range f.Requests {
		if f.Reads(request) && l.session.Refs()[request.Ref] == request.Commit {
			l.heads[request.Commit] = true
		}
	}
	bases := map[string]plan.Base{}
	for _, request := range f.Requests {
		if !f.Reads(request) {
			continue
		}
		if err := l.readRequest(ctx, request); err != nil {
			return err
		}
		if request.Head == nil || !f.NeedsBase(request) {
			continue
		}
		key := request.Commit + " " + request.Base
		base, known := l.memory.bases[key]
		if !known {
			var err error
			if base, err = l.base(ctx, request); err != nil {
				return err
			}
		}
		request.Began, bases[key] = base, base
	}
	l.memory.bases = bases
	return nil
}

// readRequest reads the commit of a request. One that no ref names is not asked
// for: it is there, or was read before.
func (l *look) readRequest(ctx context.Context, request *plan.Request) error {
	commit := request.Commit
	if !l.heads[commit] && l.memory.snapshots[commit] == nil {
		if err := l.openCache(); err != nil {
			return err
		}
		if !l.cache.Has(commit) {
			request.Unread = plan.NewProblem(v1alpha1.ReasonRefUnreadable, "%s does not name it any more", v1alpha1.ShortRef(request.Ref))
			return nil
		}
	}
	read := l.snapshot
	if !request.Fork { // of a fork somebody has approved the very commit
		read = func(ctx context.Context, commit string) (*plan.Snapshot, error) {
			return l.signedSnapshot(ctx, request.Ref, commit)
		}
	}
	s, err := read(ctx, commit)
	switch {
	case err == nil:
		request.Head = s
	case l.ownFault(err):
		request.Unread = l.cannotRead(commit, err)
	default:
		return fmt.Errorf("reading %s: %w", request.Ref, err)
	}
	return nil
}

// maxBegan bounds the commits of its base that a request may have begun from, or
// taken over since.
const maxBegan = 8

// base gives the apps at the commits that a request began from; nil where those
// cannot be found.
func (l *look) base(ctx context.Context, request *plan.Request) (plan.Base, error) {
	from := l.session.Refs()["refs/heads/"+request.Base]
	if from == "" {
		from = l.production
	}
	if err := l.openCache(); err != nil {
		return nil, err
	}
	gained, err := l.cache.Gained(ctx, l.session, from, request.Commit)
	if err == nil && len(gained.Began) <= maxBegan {
		base := plan.Base{}
		for _, commit := range gained.Began {
			var s *plan.Snapshot
			if s, err = l.began(ctx, commit); err != nil {
				break
			}
			base.Add(s)
		}
		if err == nil && len(base) > 0 {
			return base, nil
		}
	}
	if err != nil && !l.ownFault(err) {
		return nil, fmt.Errorf("reading where %s began: %w", request.Ref, err)
	}
	return nil, nil
}

// began reads a commit that is in the history of a branch, where the server gives
// it.
func (l *look) began(ctx context.Context, commit string) (*plan.Snapshot, error) {
	if l.memory.snapshots[commit] == nil {
		if err := l.ensure(ctx); err != nil {
			return nil, err
		}
		if found, err := l.cache.FetchCommit(ctx, l.session, commit, ""); err != nil {
			return nil, err
		} else if !found {
			return nil, errAbsent
		}
	}
	return l.snapshot(ctx, commit)
}
