package forge

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// maxAsked bounds the persons whose permission is asked for at once. Anybody may
// write comments.
const maxAsked = 20

// Vote is what somebody has said of a commit. Whether that counts is another
// question.
type Vote struct {
	By     Person
	Commit string
	At     time.Time
}

// Person is an account of a forge.
type Person struct {
	ID    int64
	Login string
	// Bot: no person.
	Bot bool
}

// Review of a request by a person.
type Review struct {
	By     Person
	Commit string
	At     time.Time
	// Opinion is what it says.
	Opinion Opinion
}

// Opinion of a review.
type Opinion int

// NoOpinion is that of a remark, which leaves the one before as it is; Against is
// that of a wish for changes, and of an approval that was dismissed.
const (
	NoOpinion Opinion = iota
	For
	Against
)

// Standing are the votes of reviews: of each person the newest that has an
// opinion, where that approves a commit.
func Standing(reviews []Review) []Vote {
	newest := map[int64]Review{}
	for _, r := range reviews {
		if before, ok := newest[r.By.ID]; r.Opinion != NoOpinion && (!ok || !r.At.Before(before.At)) {
			newest[r.By.ID] = r
		}
	}
	var votes []Vote
	for _, r := range newest {
		if r.Opinion == For && hash.MatchString(r.Commit) {
			votes = append(votes, Vote{By: r.By, Commit: r.Commit, At: r.At})
		}
	}
	return votes
}

// Comment is what somebody has written on a request. At is when that was last
// changed: an edited comment says what it says from then on.
type Comment struct {
	By   Person
	Body string
	At   time.Time
}

// Votes are those of comments.
func Votes(comments []Comment) []Vote {
	var votes []Vote
	for _, c := range comments {
		for _, commit := range Approved(c.Body) {
			votes = append(votes, Vote{By: c.By, Commit: commit, At: c.At})
		}
	}
	return votes
}

// Allowed are the votes of persons who may write, newest first. may is asked for
// the newest 20 voters, each once.
func Allowed(ctx context.Context, votes []Vote, may func(context.Context, Person) (bool, error)) ([]Approval, error) {
	slices.SortStableFunc(votes, func(a, b Vote) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.By.ID, b.By.ID), cmp.Compare(a.Commit, b.Commit))
	})
	asked := map[int64]bool{}
	var approvals []Approval
	for _, v := range votes {
		if v.By.Bot || v.By.ID <= 0 || strings.Trim(v.By.Login, ".") == "" {
			continue
		}
		allowed, known := asked[v.By.ID]
		if !known {
			if len(asked) >= maxAsked {
				continue
			}
			var err error
			if allowed, err = may(ctx, v.By); err != nil {
				return nil, err
			}
			asked[v.By.ID] = allowed
		}
		if allowed {
			approvals = append(approvals, Approval{By: Line(v.By.Login, maxName), Commit: v.Commit, At: v.At})
		}
	}
	return approvals, nil
}
