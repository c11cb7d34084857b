package feedback

import (
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// Facts are one Repository and the objects that were made from it.
type Facts struct {
	Repository *v1alpha1.Repository
	Apps       []v1alpha1.App
	Revisions  []v1alpha1.Revision
}

// Wanted is what the forge of a Repository should say.
type Wanted struct {
	// Commits in the order of their importance: the heads of requests, newest
	// first, then those of production.
	Commits     []*Commit
	Comments    []Comment
	Deployments []Deployment
}

// Commit has statuses.
type Commit struct {
	SHA string
	// Newest is false for a commit that another has followed: of such a one only
	// what the forge has already is brought up to date. Recent is true where the
	// forge is asked what it has.
	Newest, Recent bool
	// Attempt changes when a person has asked for the same commit anew.
	Attempt  string
	Statuses []Status
}

// Status of a commit.
type Status struct {
	forge.Status
	// Topic is what the description is about, without the numbers that change all
	// the time: a state that stays is only written anew when its topic changes.
	Topic string
}

// Comment of a request.
type Comment struct {
	Number int64
	// Commit that the comment is about.
	Commit string
	Text   string
	// Create is false where the comment is only brought up to date if it exists.
	Create bool
	// Final is false while a build or a start is on its way; the comment is
	// written when it has ended.
	Final bool
}

// Deployment of a preview. Without a State its environment is kept as it is.
type Deployment struct {
	forge.Deployment
	// Commit is the head of the request.
	Commit string
}

// Contexts of statuses begin with these; the name of an app follows.
const (
	contextBuild     = "headway/build"
	contextPreview   = "headway/preview"
	contextPromotion = "headway/promotion"
	contextSpec      = "headway/spec"
)

// maxDescription of a status, in characters: GitHub takes no more.
const maxDescription = 140

// view is what Render looks at, and what it has found so far.
type view struct {
	Facts
	apps      map[string]*v1alpha1.App
	revisions map[string]*v1alpha1.Revision
	commits   map[string]*Commit
	wanted    Wanted
}

// Render works out what the forge should say.
func Render(f Facts) Wanted {
	v := &view{Facts: f, apps: map[string]*v1alpha1.App{}, revisions: map[string]*v1alpha1.Revision{}, commits: map[string]*Commit{}}
	for i := range f.Apps {
		if f.Apps[i].DeletionTimestamp == nil {
			v.apps[f.Apps[i].Name] = &f.Apps[i]
		}
	}
	for i := range f.Revisions {
		v.revisions[f.Revisions[i].Name] = &f.Revisions[i]
	}
	for i := range f.Repository.Status.Requests {
		v.request(&f.Repository.Status.Requests[i])
	}
	v.production()
	return v.wanted
}

// tell adds statuses to a commit; those of the same context replace others.
func (v *view) tell(sha, attempt string, newest bool, statuses ...Status) {
	if sha == "" {
		return
	}
	c := v.commits[sha]
	if c == nil {
		c = &Commit{SHA: sha}
		v.commits[sha] = c
		v.wanted.Commits = append(v.wanted.Commits, c)
	}
	c.Newest, c.Recent = c.Newest || newest, c.Recent || newest
	c.Attempt += attempt
	for _, s := range statuses {
		c.put(s)
	}
}

func (c *Commit) put(s Status) {
	for i := range c.Statuses {
		if c.Statuses[i].Context == s.Context {
			c.Statuses[i] = s
			return
		}
	}
	c.Statuses = append(c.Statuses, s)
}
