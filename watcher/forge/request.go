package forge

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// MaxRequests bounds the answer of Requests. Where there are as many, the forge
// may have older ones that are open, too.
const MaxRequests = 200

// Request is an open pull request.
type Request struct {
	Number int64
	// Title, Author and URL are for people; the author is a name to log in with.
	Title, Author, URL string
	// HeadRef is the branch that is to be merged, a short name, and BaseRef the
	// one that it is to be merged into. A branch of a fork has a name there, that
	// of one that is deleted may be empty.
	HeadRef, BaseRef string
	// HeadSHA and BaseSHA are full hashes; empty where the forge does not tell them,
	// as for a moment after a push. GitLab never tells BaseSHA.
	HeadSHA, BaseSHA string
	// SameRepository: the forge says that the head is a branch of the repository
	// itself.
	SameRepository bool
	Draft          bool
	// Updated is when anything of it changed.
	Updated time.Time
	Labels  []string
}

// Bounds of what people write, in bytes.
const (
	maxTitle  = 1024
	maxName   = 255
	maxLabels = 50
)

var hash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// Requests makes what a forge has told fit for readers: each request once, newest
// first, at most MaxRequests, texts in one line and of a bounded length. A number
// or a hash that is none makes all of it an error, as a request that is left out
// would count as closed.
func Requests(told []Request) ([]Request, error) {
	seen := map[int64]bool{}
	var requests []Request
	for _, r := range told {
		if r.Number <= 0 {
			return nil, fmt.Errorf("a request has the number %d", r.Number)
		}
		for _, sha := range []string{r.HeadSHA, r.BaseSHA} {
			if sha != "" && !hash.MatchString(sha) {
				return nil, fmt.Errorf("request %d names the commit %q", r.Number, Line(sha, 64))
			}
		}
		if seen[r.Number] {
			continue
		}
		seen[r.Number] = true
		requests = append(requests, clean(r))
	}
	slices.SortFunc(requests, func(a, b Request) int { return cmp.Compare(b.Number, a.Number) })
	return requests[:min(len(requests), MaxRequests)], nil
}

func clean(r Request) Request {
	r.Title, r.Author, r.URL = Line(r.Title, maxTitle), Line(r.Author, maxName), Link(r.URL)
	r.HeadRef, r.BaseRef = branch(r.HeadRef), branch(r.BaseRef)
	var labels []string
	for _, label := range r.Labels[:min(len(r.Labels), maxLabels)] {
		labels = append(labels, Line(label, maxName))
	}
	r.Labels = labels
	return r
}

// branch is a short name of a branch; empty for what git does not take as one, or
// is too long to be a watched one.
func branch(name string) string {
	if len(name) > maxName || Line(name, maxName) != name {
		return ""
	}
	return name
}
