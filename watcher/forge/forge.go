// Package forge has the words for servers with pull requests: GitHub, GitLab,
// Gitea and Forgejo, each behind the interface Client.
//
// It promises that all of them mean the same by a request, a status and an
// approval, that nothing of a forge's answer reaches a reader with control
// characters in it or without a bound, and that every failure is an *Error with
// a reason of api/v1alpha1 and a message that says what to do.
//
// It believes a forge in nothing that decides whose code runs with which rights:
// SameRepository is a claim, which the refs of the repository have to prove.
//
// The clients are in packages of their own, and package pool makes them. This
// package links neither these nor a client of Kubernetes.
package forge

import (
	"context"
	"strings"
	"time"
)

// State of a commit, as forges show it.
type State string

// The states that all forges have.
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure"
	Errored State = "error"
)

// Status is what a commit's page says about it under one name.
type Status struct {
	// Context is the name, such as headway/build/shop.
	Context string
	State   State
	// Description is a line of at most 140 characters. URL may be empty.
	Description, URL string
}

// maxDescription is GitHub's, in characters.
const maxDescription = 140

// Fit is a status as forges keep it: what SetStatus sends, and Statuses gives.
func (s Status) Fit() Status {
	s.Description, s.URL = Line(s.Description, 4*maxDescription), Link(s.URL)
	if runes := []rune(s.Description); len(runes) > maxDescription {
		s.Description = string(runes[:maxDescription-1]) + "…"
	}
	return s
}

// OwnContexts is what the contexts of all of Headway's statuses begin with.
const OwnContexts = "headway/"

// Own reports whether a status is one of Headway's.
func (s Status) Own() bool { return strings.HasPrefix(s.Context, OwnContexts) }

// Approval says that a person who may write to the repository wants a commit
// built.
type Approval struct {
	// By is the person's name to log in with.
	By string
	// Commit is a hash, or the start of one with 7 digits or more. A commit with the
	// same start is soon made by anybody, so that a start is worth something for
	// what was there to be seen when it was written.
	Commit string
	// At is when it was written, or last changed, by the forge's clock.
	At time.Time
}

// Deployment is a place at which a commit can be looked at.
type Deployment struct {
	// Environment is the place's name, such as preview/pr-12-shop.
	Environment string
	// Ref is the full hash of the commit.
	Ref string
	// State is one that GitHub knows: in_progress, success, failure, error.
	State string
	// URL is where it answers, LogURL where to read how it came about; either may
	// be empty.
	URL, LogURL string
}

// Proposal is a pull request to be opened. Head and Base are branches of the
// repository, short names.
type Proposal struct{ Head, Base, Title, Body string }

// Among finds the request that a proposal asks for; "" where none is open.
func (p Proposal) Among(requests []Request) (url string) {
	for _, r := range requests {
		if r.SameRepository && r.HeadRef == p.Head && r.BaseRef == p.Base {
			return r.URL
		}
	}
	return ""
}

// Client speaks to the forge of one Repository, about that repository alone. It
// is safe for concurrent use.
//
// Each call is bounded in time. While the forge refuses, calls fail at once with
// the error that it gave, until it may be asked again.
type Client interface {
	// Name of the type of forge: github, gitlab or gitea.
	Name() string
	// HeadRef is the full name of the ref at which the repository has the head of
	// a request, that of a fork too.
	HeadRef(number int64) string
	// Requests lists what is open, newest first, at most MaxRequests. Where
	// nothing has changed this costs no more than asking whether it has.
	Requests(ctx context.Context) ([]Request, error)
	// Approvals lists the approvals of a request, newest first, of persons who may
	// write: reviews that approve a commit, and comments that name one (see
	// Approved). What a person has taken back is not among them.
	Approvals(ctx context.Context, number int64) ([]Approval, error)
	// Statuses lists the newest status of each of Headway's own contexts of a
	// commit.
	Statuses(ctx context.Context, sha string) ([]Status, error)
	// SetStatus adds a status to a commit: one write.
	SetStatus(ctx context.Context, sha string, s Status) error
	// Comment finds the comment of a request that this client wrote and whose
	// first line is marker; id 0: there is none.
	Comment(ctx context.Context, number int64, marker string) (id int64, body string, err error)
	// SetComment replaces the body of a comment: one write. With id 0, or where
	// somebody has deleted the comment, it makes a new one. It returns the id.
	SetComment(ctx context.Context, number, id int64, body string) (int64, error)
	// DeleteComment deletes a comment; one that is gone already is no error.
	DeleteComment(ctx context.Context, number, id int64) error
	// Deploy says that a commit is to be seen at a place: two writes for a new
	// commit, one for a new state of a commit. It does nothing but on GitHub.
	Deploy(ctx context.Context, d Deployment) error
	// Retire removes a place with all that was deployed there. It does nothing but
	// on GitHub.
	Retire(ctx context.Context, environment string) error
	// Propose opens a pull request, or finds the one that is open for the same
	// branches, and returns its URL.
	Propose(ctx context.Context, p Proposal) (url string, err error)
	// Rights says which rights the credentials have.
	Rights(ctx context.Context) ([]Right, error)
}

// Right is one that Headway has a use for.
type Right struct {
	// Name is what the forge calls it, such as "Pull requests: write".
	Name string
	// For completes the sentence "It is needed to ...".
	For string
	// Granted is No where something that it is for fails.
	Granted Granted
	// Optional: Headway works without it, but for what it is for.
	Optional bool
}

// Granted says whether a right is there.
type Granted string

// Unknown: the forge does not tell.
const (
	Yes     Granted = "yes"
	No      Granted = "no"
	Unknown Granted = "unknown"
)
