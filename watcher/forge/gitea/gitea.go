// Package gitea speaks to Gitea and Forgejo (https://docs.gitea.com/api, of
// version 1.25), of which the older one's API is enough.
//
// They give no entity tags: each list of the open requests is sent in full.
package gitea

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/repos"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// Name of the type.
const Name = "gitea"

// pageSize is the longest page, unless MAX_RESPONSE_ITEMS of the server says
// otherwise.
const pageSize = 50

// maxReviewPages bounds the reviews that are read of one request.
const maxReviewPages = 10

// rights have the names of the scopes of a token.
var rights = repos.Rights{
	Pulls:       forge.Right{Name: "repository: read", For: "see which pull requests are open"},
	Discussion:  forge.Right{Name: "issue: read", For: "see which commits of forks are approved"},
	Comments:    forge.Right{Name: "issue: write", For: "comment on pull requests"},
	Statuses:    forge.Right{Name: "repository: write", For: "set the status of commits"},
	Permissions: forge.Right{Name: "administrator of the repository", For: "see who may approve the commits of forks"},
	Self:        forge.Right{Name: "user: read", For: "find its own comments"},
}

// Client is that of one repository.
type Client struct{ repos.Repository }

// New makes a Client of the repository owner/name. config has the address of the
// API, the account and the credentials.
func New(config rest.Config, owner, name string) *Client {
	config.Forge, config.Repository = Name, owner+"/"+name
	config.Header = http.Header{"Accept": {"application/json"}}
	c := &Client{repos.Repository{
		REST: rest.New(config), Owner: owner, Name: name, Rights: rights, SizeKey: "limit", Size: pageSize,
	}}
	c.Self = c.login
	return c
}

// Name is gitea.
func (c *Client) Name() string { return Name }

type user struct {
	ID      int64
	Login   string
	IsAdmin bool `json:"is_admin"`
}

func (u user) person() forge.Person { return forge.Person{ID: u.ID, Login: u.Login} }

func (c *Client) login(ctx context.Context) (string, error) {
	var self user
	_, err := c.REST.Do(ctx, rest.Call{Path: "user", Into: &self, Right: rights.Self})
	return self.Login, err
}

type pull struct {
	Number  int64
	Title   string
	HTMLURL string `json:"html_url"`
	User    user
	Draft   bool
	Updated time.Time `json:"updated_at"`
	Labels  []struct{ Name string }
	Head    branch
	Base    branch
}

type branch struct {
	Ref    string
	SHA    string
	RepoID int64 `json:"repo_id"`
}

// Requests lists the open ones.
func (c *Client) Requests(ctx context.Context) ([]forge.Request, error) {
	call := rest.Call{Path: c.At("pulls"), Query: c.Paged("state", "open"), Right: rights.Pulls, Repository: true}
	pulls, err := rest.All(ctx, c.REST, call, forge.MaxRequests, func(p pull) int64 { return p.Number })
	if err != nil {
		return nil, err
	}
	var requests []forge.Request
	for _, p := range pulls {
		r := forge.Request{
			Number: p.Number, Title: p.Title, Author: p.User.Login, URL: p.HTMLURL, Draft: p.Draft, Updated: p.Updated,
			HeadRef: p.Head.Ref, HeadSHA: p.Head.SHA, BaseRef: p.Base.Ref, BaseSHA: p.Base.SHA,
			// An AGit request, and one whose branch is deleted, has a ref here and no
			// branch; the former with the id of the repository although no branch is there.
			SameRepository: p.Head.RepoID == p.Base.RepoID && !strings.HasPrefix(p.Head.Ref, "refs/"),
		}
		for _, l := range p.Labels {
			r.Labels = append(r.Labels, l.Name)
		}
		requests = append(requests, r)
	}
	return c.REST.Checked(requests)
}

type review struct {
	User      user
	State     string
	CommitID  string `json:"commit_id"`
	Dismissed bool
	Submitted time.Time `json:"submitted_at"`
}

func (r review) opinion() forge.Opinion {
	switch {
	case r.State == "APPROVED" && !r.Dismissed:
		return forge.For
	case r.State == "APPROVED", r.State == "REQUEST_CHANGES" && !r.Dismissed:
		return forge.Against
	}
	return forge.NoOpinion
}

// Approvals lists those of a request: among its newest 500 reviews, and all of its
// comments.
func (c *Client) Approvals(ctx context.Context, number int64) ([]forge.Approval, error) {
	call := rest.Call{Path: c.At("pulls", repos.Number(number), "reviews"), Query: c.Paged("page", "1"), Right: rights.Pulls}
	told, err := rest.Newest[review](ctx, c.REST, call, pageSize, maxReviewPages)
	if err != nil {
		return nil, err
	}
	var reviews []forge.Review
	for _, r := range told {
		reviews = append(reviews, forge.Review{By: r.User.person(), Commit: r.CommitID, At: r.Submitted, Opinion: r.opinion()})
	}
	var comments []struct {
		User    user
		Body    string
		Updated time.Time `json:"updated_at"`
	}
	_, err = c.REST.Do(ctx, rest.Call{Path: c.At("issues", repos.Number(number), "comments"), Into: &comments, Right: rights.Discussion})
	if err != nil {
		return nil, err
	}
	var said []forge.Comment
	for _, m := range comments {
		said = append(said, forge.Comment{By: m.User.person(), Body: m.Body, At: m.Updated})
	}
	return forge.Allowed(ctx, append(forge.Standing(reviews), forge.Votes(said)...), c.MayWrite)
}

// Deploy does nothing: there are no deployments.
func (c *Client) Deploy(context.Context, forge.Deployment) error { return nil }

// Retire does nothing: there are no deployments.
func (c *Client) Retire(context.Context, string) error { return nil }

// Propose opens a pull request, or finds the open one.
func (c *Client) Propose(ctx context.Context, p forge.Proposal) (string, error) {
	return c.Repository.Propose(ctx, p, c.Requests)
}

// Rights reads what the repository tells of the account, and asks for changes of
// what there is not, to see what the scopes of the token allow.
func (c *Client) Rights(ctx context.Context) ([]forge.Right, error) {
	var repository struct {
		Permissions struct{ Admin, Push, Pull bool }
	}
	if _, err := c.REST.Do(ctx, rest.Call{Path: c.At(), Into: &repository, Right: rights.Pulls, Repository: true}); err != nil {
		return nil, err
	}
	var self user
	_, err := c.REST.Do(ctx, rest.Call{Path: "user", Into: &self, Right: rights.Self})
	pulls, comments, statuses, permissions, own := rights.Pulls, rights.Comments, rights.Statuses, rights.Permissions, rights.Self
	pulls.Granted, own.Granted = forge.Yes, forge.GrantedBy(err)
	statuses.Granted = c.probe(ctx, statuses, map[string]string{}, "pulls", "0")
	comments.Granted = c.probe(ctx, comments, map[string]string{"body": "-"}, "issues", "comments", "0")
	if !repository.Permissions.Push {
		statuses.Granted = forge.No
	}
	permissions.Granted = forge.No
	if repository.Permissions.Admin || self.IsAdmin {
		permissions.Granted = forge.Yes
	}
	return []forge.Right{pulls, own, comments, statuses, permissions}, nil
}

// probe asks for a change of something that does not exist.
func (c *Client) probe(ctx context.Context, right forge.Right, body map[string]string, at ...string) forge.Granted {
	_, err := c.REST.Do(ctx, rest.Call{Method: http.MethodPatch, Path: c.At(at...), Body: body, Right: right})
	return forge.GrantedBy(err)
}

// Base is the address of the API of the server at site.
func Base(site *url.URL) *url.URL { return site.JoinPath("api", "v1") }
