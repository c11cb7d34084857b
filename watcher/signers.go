package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/verify"
)

// maxDecisions bounds the tags that approve or promote which are checked in one
// look.
const maxDecisions = 1000

// tagRefs is how the full name of a tag begins.
const tagRefs = "refs/tags/"

// signers are whose commits and tags count (spec.verify). What has to be signed:
//
//	production's head            the commit
//	another branch, a pin        the commit
//	the head of a request        the commit, if its branch is one of the repository;
//	                             of a fork a person has approved the very commit
//	a tag that is released       the tag, or its commit; the tag's signature says
//	                             nothing of its commit at another ref
//	a tag that approves          the tag
//
// A commit that has counted is not checked again, be its key expired or removed:
// Repository.status.heads and Revisions remember it. So is what a commit holds:
// those below it need no signature.
type signers struct {
	keys *verify.Keys
	who  string
	now  time.Time
}

// signedMemory is what is known of signatures between two looks.
type signedMemory struct {
	// commits that count, and tags that approve, by name and hash of the tag.
	commits map[counted]*v1alpha1.Signature
	tags    map[string]bool
	// keys are those of a version of the Secret.
	keys    *verify.Keys
	uid     types.UID
	version string
}

// counted is a commit that counts: wherever it is, or at one tag.
type counted struct{ commit, tag string }

func newSignedMemory() signedMemory {
	return signedMemory{commits: map[counted]*v1alpha1.Signature{}, tags: map[string]bool{}}
}

// at is the signature by which a commit counts at a ref; nil where it does not, as
// far as is known.
func (m *signedMemory) at(ref, commit string) *v1alpha1.Signature {
	if s := m.commits[counted{commit: commit}]; s != nil {
		return s
	}
	return m.commits[counted{commit, ref}]
}

// note takes note of what was found earlier, or by another process. Of a tag
// nobody has noted whether it or its commit was signed.
func (m *signedMemory) note(ref, commit string, s *v1alpha1.Signature) {
	at := counted{commit: commit}
	if strings.HasPrefix(ref, tagRefs) {
		at.tag = ref
	}
	if s != nil {
		m.commits[at] = s
	}
}

// signers reads the keys; nil where no signature is needed. Without the keys
// nothing can be known to count: the error stops the look.
func (r *Reconciler) signers(ctx context.Context, repo *v1alpha1.Repository, memory *memory) (*signers, error) {
	asked := repo.Spec.Verify
	if asked == nil {
		memory.signed = newSignedMemory()
		return nil, nil
	}
	secret, err := r.secret(ctx, repo.Namespace, asked.Keys.Name, "spec.verify.keys")
	if err != nil {
		return nil, err
	}
	m := &memory.signed
	if m.keys == nil || m.uid != secret.UID || m.version != secret.ResourceVersion {
		keys, err := verify.Parse(secret.Data)
		if err != nil {
			return nil, &git.Error{Reason: v1alpha1.ReasonSecretInvalid, Message: fmt.Sprintf("the Secret %q of spec.verify.keys: %v", secret.Name, err)}
		}
		m.keys, m.uid, m.version = keys, secret.UID, secret.ResourceVersion
	}
	return &signers{keys: m.keys, who: asked.Who, now: r.now()}, nil
}

// recall takes over what earlier looks have found.
func (l *look) recall(repo *v1alpha1.Repository, revisions []*v1alpha1.Revision) {
	if l.signers == nil {
		return
	}
	for _, h := range repo.Status.Heads {
		l.memory.signed.note(h.Ref, h.Commit, h.Signature)
	}
	for _, rev := range revisions {
		l.memory.signed.note(rev.Spec.Ref, rev.Spec.Commit, rev.Spec.Signature)
	}
}

// noteSignatures puts those of the heads into the status, for later looks.
func (l *look) noteSignatures(repo *v1alpha1.Repository) {
	for i := range repo.Status.Heads {
		h := &repo.Status.Heads[i]
		h.Signature = l.memory.signed.at(h.Ref, h.Commit)
	}
}

// readProduction gives the snapshot of the production branch's head; where that
// does not count, one that leaves everything as it is.
func (l *look) readProduction(ctx context.Context, f *plan.Facts) (*plan.Snapshot, error) {
	err := l.signed(ctx, l.productionRef, l.production)
	var why *plan.Problem
	switch {
	case errors.As(err, &why):
		return f.Unsigned(l.production, why), nil
	case err != nil:
		return nil, err
	}
	return l.snapshot(ctx, l.production)
}

// signedSnapshot is snapshot for a commit that has to count.
func (l *look) signedSnapshot(ctx context.Context, ref, commit string) (*plan.Snapshot, error) {
	if err := l.signed(ctx, ref, commit); err != nil {
		return nil, err
	}
	return l.snapshot(ctx, commit)
}

// signed is nil for a commit that counts, and a *plan.Problem for one that does
// not. ref is what points at it; "" for a pin.
func (l *look) signed(ctx context.Context, ref, commit string) error {
	if l.signers == nil || l.memory.signed.at(ref, commit) != nil {
		return nil
	}
	if err := l.bring(ctx, commit); err != nil {
		return err
	}
	raw, err := l.cache.Raw(commit, verify.MaxObject)
	if err != nil {
		return err
	}
	signature, refused := l.signers.keys.Commit(raw, l.signers.who, l.signers.now)
	at, what := counted{commit: commit}, "commit "+v1alpha1.Short(commit)
	if tag, is := strings.CutPrefix(ref, tagRefs); is && refused != nil {
		at.tag, what = ref, "tag "+tag
		of, why, err := l.signedTag(ctx, ref, commit)
		switch {
		case err != nil:
			return err
		case why == nil:
			signature, refused = of, nil
		default:
			refused = fmt.Errorf("%w. Its commit %s would do, too, but %w", why, v1alpha1.Short(commit), refused)
		}
	} else if ref != "" {
		what += " of " + v1alpha1.ShortRef(ref)
	}
	if refused != nil {
		return plan.NewProblem(v1alpha1.ReasonUnsigned, "%s is not deployed: %v", what, refused)
	}
	l.memory.signed.commits[at] = signature
	return nil
}

// signedTag checks the object of a tag; why is why it does not count, as it goes
// on after the name of the tag.
func (l *look) signedTag(ctx context.Context, ref, commit string) (s *v1alpha1.Signature, why, err error) {
	object := l.session.TagObject(ref)
	if object == "" {
		return nil, verify.Unannotated(), nil
	}
	err = l.fetchTags(ctx, ref)
	var raw []byte
	if err == nil {
		raw, err = l.cache.Raw(object, verify.MaxObject)
	}
	switch {
	case err != nil && l.ownFault(err):
		return nil, fmt.Errorf("it cannot be read: %w", err), nil
	case err != nil:
		return nil, nil, err
	}
	s, why = l.signers.keys.Tag(raw, v1alpha1.ShortRef(ref), commit, l.signers.who, l.signers.now)
	return s, why, nil
}

// fetchTags brings tag objects that are missing: at the first one that is, those
// of all tags that are watched, in one request.
func (l *look) fetchTags(ctx context.Context, refs ...string) error {
	if err := l.openCache(); err != nil {
		return err
	}
	missing := slices.ContainsFunc(refs, func(ref string) bool { return !l.cache.Has(l.session.TagObject(ref)) })
	if !missing {
		return nil
	}
	all := slices.Clone(refs)
	for _, ref := range slices.Sorted(maps.Keys(l.others)) {
		if l.memory.signed.at(ref, l.others[ref]) == nil {
			all = append(all, ref)
		}
	}
	slices.Sort(all)
	err := l.cache.FetchTags(ctx, l.session, slices.Compact(all))
	if err != nil && l.ownFault(err) {
		return l.cache.FetchTags(ctx, l.session, refs) // another one may be at fault
	}
	return err
}

// checkDecisions leaves out the tags that approve or promote and are not signed.
func (l *look) checkDecisions(ctx context.Context, f *plan.Facts) error {
	if l.signers == nil {
		return nil
	}
	before := l.memory.signed.tags
	l.memory.signed.tags = map[string]bool{}
	var check []plan.Decision
	var refs []string
	for _, d := range f.Decisions() {
		at := d.Ref + " " + l.session.TagObject(d.Ref)
		switch {
		case before[at]:
			l.memory.signed.tags[at] = true
		case len(check) < maxDecisions:
			check = append(check, d)
			if l.session.TagObject(d.Ref) != "" {
				refs = append(refs, d.Ref)
			}
		default:
			f.Tags.Ignore(d)
			l.ignored(d, fmt.Sprintf("more than %d are new at once; it is looked at when others are removed", maxDecisions))
		}
	}
	if err := l.fetchTags(ctx, refs...); err != nil && !l.ownFault(err) {
		return err
	}
	for _, d := range check {
		_, why, err := l.signedTag(ctx, d.Ref, d.Commit)
		switch {
		case err != nil:
			return err
		case why != nil:
			f.Tags.Ignore(d)
			l.ignored(d, why.Error())
		default:
			l.memory.signed.tags[d.Ref+" "+l.session.TagObject(d.Ref)] = true
		}
	}
	return nil
}

// ignored tells of a tag that decides nothing.
func (l *look) ignored(d plan.Decision, why string) {
	l.omitted = append(l.omitted, plan.NewProblem(v1alpha1.ReasonUnsigned, "the tag %s does not count: %s", v1alpha1.ShortRef(d.Ref), why))
}
