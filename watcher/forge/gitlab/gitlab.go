// Package gitlab speaks to GitLab, self-managed too
// (https://docs.gitlab.com/api/rest, version 4). A merge request is a request, its
// iid the number.
//
// GitLab's approvals name no commit, so that only comments approve. It has no
// status "error": one that is set is a failure when it is read.
package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// Name of the type.
const Name = "gitlab"

const (
	pageSize = 100
	// projectFor is how long the id of a project counts: its path may be given to
	// another one.
	projectFor = time.Hour
	// memberFor is how long it counts what a person may do.
	memberFor = time.Minute
	// maxNewest bounds the comments that are searched for approvals, maxComments
	// those for the own one.
	maxNewest, maxComments = 500, 1000
	// maxRemembered bounds each thing that is kept by commit or person.
	maxRemembered = 256
	// developer is the level from which on a member may push
	// (https://docs.gitlab.com/api/access_requests).
	developer = 30
)

var (
	readProject = forge.Right{Name: "scope api, role Reporter", For: "see which merge requests are open"}
	discussion  = forge.Right{Name: "scope api, role Reporter", For: "see which commits of forks are approved"}
	members     = forge.Right{Name: "scope api, role Guest", For: "see who may approve the commits of forks"}
	comments    = forge.Right{Name: "scope api, role Reporter", For: "comment on merge requests"}
	statuses    = forge.Right{Name: "scope api, role Developer", For: "set the status of commits"}
	open        = forge.Right{Name: "scope api, role Developer", For: "open merge requests"}
	self        = forge.Right{Name: "scope api", For: "find its own comments"}
)

// Client is that of one project.
type Client struct {
	rest *rest.Client
	path string

	mu      sync.Mutex
	project project
	until   time.Time
	login   string
	// may is who may write, by the id of the person.
	may map[int64]membership
	// sources are the projects that the heads of forks are in, by commit, and
	// pipelines the ones that statuses of commits have made.
	sources   map[string]int64
	pipelines map[pipeline]int64
}

type membership struct {
	write bool
	until time.Time
}

type pipeline struct {
	project int64
	sha     string
}

// Base is the address of the API of the server at site.
func Base(site *url.URL) *url.URL { return site.JoinPath("api", "v4") }

// New makes a Client of the project at a path, such as group/subgroup/name. config
// has the address of the API, the account and the credentials.
func New(config rest.Config, path string) *Client {
	config.Forge, config.Repository, config.Tags = Name, path, true
	config.Header = http.Header{"Accept": {"application/json"}}
	return &Client{rest: rest.New(config), path: path, may: map[int64]membership{}, sources: map[string]int64{}, pipelines: map[pipeline]int64{}}
}

// Name is gitlab.
func (c *Client) Name() string { return Name }

// HeadRef is where the project has the head of a request.
func (c *Client) HeadRef(n int64) string { return "refs/merge-requests/" + number(n) + "/head" }

func number(n int64) string { return strconv.FormatInt(n, 10) }

func paged(pairs ...string) url.Values {
	q := url.Values{"per_page": {strconv.Itoa(pageSize)}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

type project struct {
	ID          int64
	Permissions struct {
		Project *access `json:"project_access"`
		Group   *access `json:"group_access"`
	}
}

type access struct {
	Level int `json:"access_level"`
}

// at is the path of something of the project. The project is asked for by its path
// once an hour: writes are not sent on from an old one.
func (c *Client) at(ctx context.Context, segments ...string) (string, error) {
	c.mu.Lock()
	known, until := c.project, c.until
	c.mu.Unlock()
	if known.ID == 0 || !time.Now().Before(until) {
		var err error
		if known, err = c.find(ctx); err != nil {
			return "", err
		}
	}
	return in(known.ID, segments...), nil
}

func (c *Client) find(ctx context.Context) (project, error) {
	var found project
	if _, err := c.rest.Do(ctx, rest.Call{Path: rest.Path("projects", c.path), Into: &found, Right: readProject, Repository: true}); err != nil {
		return project{}, err
	}
	if found.ID <= 0 {
		return project{}, forge.Errorf(v1alpha1.ReasonUnreachable, "%s does not say which project %s is", c.rest.Host(), c.path)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.project, c.until = found, time.Now().Add(projectFor)
	return found, nil
}

func in(project int64, segments ...string) string {
	return rest.Path(append([]string{"projects", number(project)}, segments...)...)
}

type user struct {
	ID       int64
	Username string
}

func (u user) person() forge.Person { return forge.Person{ID: u.ID, Login: u.Username} }

type mergeRequest struct {
	IID     int64
	Title   string
	WebURL  string `json:"web_url"`
	Author  user
	Draft   bool
	Updated time.Time `json:"updated_at"`
	Labels  []string
	SHA     string // null for a moment
	Head    string `json:"source_branch"`
	Base    string `json:"target_branch"`
	Source  int64  `json:"source_project_id"` // null for a fork that is deleted
	Target  int64  `json:"target_project_id"`
}

// Requests lists the open ones.
func (c *Client) Requests(ctx context.Context) ([]forge.Request, error) {
	path, err := c.at(ctx, "merge_requests")
	if err != nil {
		return nil, err
	}
	call := rest.Call{Path: path, Query: paged("state", "opened", "order_by", "created_at", "sort", "desc"), Right: readProject, Repository: true}
	told, err := rest.All(ctx, c.rest, call, forge.MaxRequests, func(m mergeRequest) int64 { return m.IID })
	if err != nil {
		if forge.StatusOf(err) == http.StatusNotFound {
			c.mu.Lock()
			c.until = time.Time{} // another project may be at the path by now
			c.mu.Unlock()
		}
		return nil, err
	}
	var requests []forge.Request
	sources := map[string]int64{}
	for _, m := range told {
		r := forge.Request{
			Number: m.IID, Title: m.Title, Author: m.Author.Username, URL: m.WebURL, Draft: m.Draft, Updated: m.Updated, Labels: m.Labels,
			HeadRef: m.Head, HeadSHA: m.SHA, BaseRef: m.Base, SameRepository: m.Source != 0 && m.Source == m.Target,
		}
		if m.Source > 0 && !r.SameRepository {
			sources[m.SHA] = m.Source
		}
		requests = append(requests, r)
	}
	requests, err = c.rest.Checked(requests)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sources = sources
	return requests, nil
}

// Deploy does nothing: GitLab's deployments belong to its own pipelines.
func (c *Client) Deploy(context.Context, forge.Deployment) error { return nil }

// Retire does nothing.
func (c *Client) Retire(context.Context, string) error { return nil }

// Propose opens a merge request, or finds the open one.
func (c *Client) Propose(ctx context.Context, p forge.Proposal) (string, error) {
	list, err := c.Requests(ctx)
	if err != nil {
		return "", err
	}
	if found := p.Among(list); found != "" {
		return found, nil
	}
	path, err := c.at(ctx, "merge_requests")
	if err != nil {
		return "", err
	}
	var made mergeRequest
	body := map[string]string{"source_branch": p.Head, "target_branch": p.Base, "title": p.Title, "description": p.Body}
	if _, err := c.rest.Do(ctx, rest.Call{Method: http.MethodPost, Path: path, Body: body, Into: &made, Right: open}); err != nil {
		return "", err
	}
	if made.WebURL = forge.Link(made.WebURL); made.WebURL == "" {
		return "", forge.Errorf(v1alpha1.ReasonUnreachable, "%s has opened the merge request and did not say where it is", c.rest.Host())
	}
	return made.WebURL, nil
}

// Rights reads the scopes of the token, and its role in the project.
func (c *Client) Rights(ctx context.Context) ([]forge.Right, error) {
	found, err := c.find(ctx)
	if err != nil {
		return nil, err
	}
	role := 0
	for _, a := range []*access{found.Permissions.Project, found.Permissions.Group} {
		if a != nil {
			role = max(role, a.Level)
		}
	}
	var token struct{ Scopes []string }
	_, err = c.rest.Do(ctx, rest.Call{Path: rest.Path("personal_access_tokens", "self"), Into: &token, Right: self})
	write := forge.Unknown // a token of another kind
	if err == nil {
		write = forge.No
		if strings.Contains(" "+strings.Join(token.Scopes, " ")+" ", " api ") {
			write = forge.Yes
		}
	}
	with := func(right forge.Right, least int, granted forge.Granted) forge.Right {
		if right.Granted = granted; role < least {
			right.Granted = forge.No
		}
		return right
	}
	const guest, reporter = 10, 20
	return []forge.Right{
		with(readProject, 0, forge.Yes), with(members, guest, forge.Yes), with(comments, reporter, write),
		with(statuses, developer, write), with(open, developer, write),
	}, nil
}
