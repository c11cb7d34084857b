package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// maxPreviewed bounds the apps of one request that have previews.
const maxPreviewed = 50

// maxRequestMessage bounds what a request's status says: 200 of them fit into an
// object.
const maxRequestMessage = 1000

// Base is what apps are made of at the commits that a request began from, by name.
type Base map[string][]identity

// Add takes a further commit into account.
func (b Base) Add(s *Snapshot) {
	for i := range s.Apps {
		if c := &s.Apps[i]; c.Problem == nil {
			b[c.Name] = append(b[c.Name], c.form())
		}
	}
}

// form is an identity without the commit.
func (c *Candidate) form() identity { return identity{key: c.key, specHash: c.specHash} }

// judgement is what becomes of a request.
type judgement struct {
	r       *Request
	state   v1alpha1.RequestState
	message string
	// wishes are the apps that it changes and that have previews, tries those of
	// them that ask for nothing which they may not have.
	wishes []wish
	tries  []*tried
	// problems are those of single apps, by name; the previews that they have stay
	// as they are.
	problems map[string]*Problem
	// keep: all previews that there are stay as they are.
	keep bool
	// further are apps past maxPreviewed.
	further []string
}

// wish is an app to preview: what production says of it, and the request.
type wish struct{ production, head *Candidate }

// gate says whether the commit of a request counts at all, before anything of it
// is read: for which of the apps it may have previews, or, where for none, why.
//
//	a branch that no glob of the app names    not for this app
//	a draft, and preview.drafts is false      Draft
//	a fork, and preview.forks is never        Untouched
//	a fork whose commit nobody has approved   Approval
//	the last push is longer ago than the ttl  Expired
func (f Facts) gate(r *Request, apps []*Candidate) (may []*Candidate, state v1alpha1.RequestState, message string) {
	production := v1alpha1.ShortRef(f.ProductionRef)
	state, message = v1alpha1.RequestUntouched, fmt.Sprintf("no app has previews; write preview: true into a headway.yaml on %s", production)
	pass := func(next v1alpha1.RequestState, why string, allow func(c *Candidate) bool) {
		kept := slices.DeleteFunc(slices.Clone(may), func(c *Candidate) bool { return !allow(c) })
		if len(may) > 0 && len(kept) == 0 {
			state, message = next, why
		}
		may = kept
	}
	may = apps
	pass(v1alpha1.RequestUntouched, "no preview.branches names this branch any more", func(c *Candidate) bool {
		return r.Number > 0 || c.Spec.Preview.Names(strings.TrimPrefix(r.Ref, headsPrefix))
	})
	pass(v1alpha1.RequestDraft, "a draft; it gets previews when it is ready for review, as preview.drafts is false", func(c *Candidate) bool {
		return !r.Draft || !c.Spec.Preview.NoDrafts
	})
	pass(v1alpha1.RequestUntouched, "it comes from a fork, and those get no previews, as preview.forks is never; push the commit to a branch of this repository to see one", func(c *Candidate) bool {
		return !r.Fork || !c.Spec.Preview.NoForks
	})
	pass(v1alpha1.RequestApproval, approvalWanted(r), func(*Candidate) bool { return !r.AwaitsApproval() })
	pass(v1alpha1.RequestExpired, fmt.Sprintf("nothing was pushed since %s, so its previews are gone; they come back with the next push", r.Pushed.UTC().Format("2006-01-02 15:04 UTC")), func(c *Candidate) bool {
		return f.Now.Before(r.Pushed.Add(c.Spec.Preview.TTL))
	})
	return may, state, message
}

// approvalWanted has the whole hash: a short one is soon that of another commit. Its
// first part fits into the 140 characters of a commit's status.
func approvalWanted(r *Request) string {
	message := fmt.Sprintf(`waiting for somebody who may write to approve it: review it, or comment "/headway approve %s"`, r.Commit)
	if r.Approved != "" {
		message += fmt.Sprintf("; until then its previews stay at %s, which %s has approved", v1alpha1.Short(r.Approved), r.ApprovedBy)
	}
	return message
}

// Reads reports whether the commit of a request has to be read.
func (f Facts) Reads(r *Request) bool {
	may, _, _ := f.gate(r, f.previewed())
	return len(may) > 0
}

// WaitsForApproval reports whether a request would be read if a person approved
// its commit.
func (f Facts) WaitsForApproval(r *Request) bool {
	_, state, _ := f.gate(r, f.previewed())
	return state == v1alpha1.RequestApproval
}

// NeedsBase reports whether it has to be known which commits a request that was
// read began from: it differs from production.
func (f Facts) NeedsBase(r *Request) bool {
	return slices.ContainsFunc(f.previewed(), func(c *Candidate) bool {
		head := r.Head.App(c.Name)
		return head != nil && head.form() != c.form()
	})
}

// touches reports whether a request changes an app: it differs from production,
// and from what it was where the request began. Where that is not known, from what
// production was before.
func (f Facts) touches(r *Request, production, head *Candidate) bool {
	is := head.form()
	if is == production.form() {
		return false
	}
	if r.Began != nil {
		return !slices.Contains(r.Began[head.Name], is)
	}
	app := f.Apps[head.Name]
	return app == nil || !slices.ContainsFunc(f.Revisions, func(rev *v1alpha1.Revision) bool {
		was := identityOf(rev)
		return slices.Contains(app.Spec.History, rev.Name) && was.key == is.key && was.specHash == is.specHash
	})
}

// judge decides about one request. apps are those of production with previews.
func (f Facts) judge(r *Request, apps []*Candidate) judgement {
	j := judgement{r: r, problems: map[string]*Problem{}}
	var may []*Candidate
	may, j.state, j.message = f.gate(r, apps)
	switch {
	case len(may) == 0:
		j.keep = j.state == v1alpha1.RequestApproval
		return j
	case r.Unread != nil:
		j.keep, j.state = true, v1alpha1.RequestInvalid
		if r.Unread.Reason == v1alpha1.ReasonUnsigned {
			j.message = r.Unread.Message + ". Previews that it has stay as they are"
			return j
		}
		j.message = fmt.Sprintf("commit %s cannot be read; previews that it has stay as they are: %s", v1alpha1.Short(r.Commit), r.Unread.Message)
		return j
	case r.Head == nil:
		j.keep, j.state, j.message = true, cmp.Or(r.State, v1alpha1.RequestUntouched), r.Message
		return j
	}
	j.state, j.message = v1alpha1.RequestUntouched, "it changes no app that has previews"
	for _, production := range may {
		head := r.Head.App(production.Name)
		switch {
		case head == nil && r.Head.broken(production.Name, production.File):
			j.problems[production.Name] = r.Head.brokenBy(production.Name, production.File)
		case head != nil && f.touches(r, production, head) && len(j.wishes) == maxPreviewed:
			j.further = append(j.further, production.Name)
		case head != nil && f.touches(r, production, head):
			j.wishes = append(j.wishes, wish{production, head})
		}
	}
	return j
}

// brokenBy is the problem of the file that broken has found.
func (s *Snapshot) brokenBy(name, file string) *Problem {
	for _, is := range []func(c *Candidate) bool{
		func(c *Candidate) bool { return c.Name == name || c.claims == name },
		func(c *Candidate) bool { return c.File == file },
		(*Candidate).nameless,
	} {
		for i := range s.Apps {
			if c := &s.Apps[i]; c.Problem != nil && is(c) {
				return c.Problem
			}
		}
	}
	return nil
}

// status says what has become of a request. previews are the names of its Apps.
func (j *judgement) status(previews []string) v1alpha1.RequestStatus {
	s := j.r.RequestStatus
	slices.Sort(previews)
	s.Previews = previews
	s.State, s.Message = j.state, j.message
	var wrong []string
	for _, name := range sortedKeys(j.problems) {
		wrong = append(wrong, j.problems[name].Message)
	}
	switch {
	case len(wrong) > 0:
		s.State, s.Message = v1alpha1.RequestInvalid, strings.Join(wrong, "\n")
	case j.state == v1alpha1.RequestPreviewed && len(j.further) > 0:
		s.Message = fmt.Sprintf("a request has at most %d previews, so these apps that it changes have none: %s", maxPreviewed, FirstFew(j.further))
	}
	s.Message = condition.Shorten(s.Message, maxRequestMessage)
	return s
}

// expired reports whether an App's time is over.
func expired(app *v1alpha1.App, now time.Time) bool {
	e := app.Spec.Preview.Expires
	return e != nil && !now.Before(e.Time)
}
