// Package rest is how all forges are spoken to: JSON over HTTP.
//
// It promises that credentials go to the forge's own address alone, and into no
// error; that an answer is read within 15 s and up to a bound; that a forge which
// refuses is left alone, for as long as it says, or from one minute, doubled with
// each try, up to half an hour; that writes keep the distance that the forge asks
// for; that a list which has not changed costs no more than the question whether
// it has; and that a repository which has been renamed is found.
//
// It does not know what the forges' answers mean.
package rest

import (
	"context"
	"net/http"
	"time"
)

const (
	// Timeout bounds one request, from the first byte out to the last one in.
	Timeout = 15 * time.Second
	// maxObject is the largest answer, or element of a list, in bytes. The text of
	// a pull request has at most 256 KiB on GitHub, 1 MiB on GitLab.
	maxObject = 4 << 20
	// maxList is the largest page of a list, in bytes.
	maxList = 32 << 20
	// maxElements is the longest page. Gitea gives all comments in one.
	maxElements = 10_000
	// maxMoves is how often one request is sent on to another address.
	maxMoves = 3
	// moveFor is how long it is remembered that a repository was renamed. Its old
	// name may be given to another one.
	moveFor = 10 * time.Minute
	// firstBackoff and maxBackoff bound the time that a forge which refuses is left
	// alone.
	firstBackoff = time.Minute
	maxBackoff   = 30 * time.Minute
	// newRepository is the time for a repository that was just made: Gitea does
	// not find the requests of one for a moment after the first push.
	newRepository = 5 * time.Second
	// maxWish bounds the time that a forge may ask to be left alone. GitHub's
	// longest is an hour.
	maxWish = time.Hour
	// maxPace bounds how long a write waits for its turn.
	maxPace = time.Minute
	// maxTags bounds what a client remembers of answers, in bytes.
	maxTags = 512 << 10
)

// Authorizer adds credentials to requests.
type Authorizer interface {
	// Authorize adds them to one that goes to the forge.
	Authorize(ctx context.Context, req *http.Request) error
	// Renew is called when the forge has refused them. It reports whether others
	// are to be had, with which it is worth another try.
	Renew() bool
	// Secrets are the texts that must not be told.
	Secrets() []string
}
