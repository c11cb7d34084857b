// Package github speaks to GitHub, Enterprise too
// (https://docs.github.com/rest, version 2022-11-28), with a token or as a GitHub
// App.
package github

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
const Name = "github"

const (
	pageSize = 100
	// maxNewest bounds the pages of reviews and of comments that are read of one
	// request.
	maxNewest = 5
)

// rights have the names of the permissions of Apps and of fine-grained tokens.
var (
	rights = repos.Rights{
		Pulls:       forge.Right{Name: "Pull requests: read", For: "see which pull requests are open"},
		Discussion:  forge.Right{Name: "Pull requests: read", For: "see which commits of forks are approved"},
		Comments:    forge.Right{Name: "Pull requests: write", For: "comment on pull requests and open them"},
		Statuses:    forge.Right{Name: "Commit statuses: write", For: "set the status of commits"},
		Permissions: forge.Right{Name: "Metadata: read", For: "see who may approve the commits of forks"},
		Self:        forge.Right{Name: "Metadata: read", For: "find its own comments"},
	}
	deployments = forge.Right{Name: "Deployments: write", For: "show previews as deployments", Optional: true}
)

// Client is that of one repository.
type Client struct {
	repos.Repository
	app *Installation // nil: a token
}

// Base is the address of the API of the server at site.
func Base(site *url.URL) *url.URL {
	if site.Host == "github.com" || strings.HasSuffix(site.Host, ".ghe.com") {
		return &url.URL{Scheme: "https", Host: "api." + site.Host}
	}
	return site.JoinPath("api", "v3")
}

func header() http.Header {
	return http.Header{"Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}}
}

// New makes a Client of the repository owner/name. config has the address of the
// API, the account and the credentials.
func New(config rest.Config, owner, name string) *Client {
	config.Forge, config.Repository, config.Header, config.Tags = Name, owner+"/"+name, header(), true
	c := &Client{Repository: repos.Repository{
		REST: rest.New(config), Owner: owner, Name: name, Rights: rights, SizeKey: "per_page", Size: pageSize,
	}}
	c.app, _ = config.Auth.(*Installation)
	c.Self = c.login
	return c
}

// Name is github.
func (c *Client) Name() string { return Name }

type user struct {
	ID    int64
	Login string
	Type  string
}

// person: what is no User is a bot, an organisation, or what an import has left.
func (u user) person() forge.Person {
	return forge.Person{ID: u.ID, Login: u.Login, Bot: u.Type != "User"}
}

func (c *Client) login(ctx context.Context) (string, error) {
	if c.app != nil {
		_, login, err := c.app.permissions(ctx)
		return login, err
	}
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
	Ref  string
	SHA  string
	Repo struct{ ID int64 } // null for a fork that is deleted
}

// Requests lists the open ones.
func (c *Client) Requests(ctx context.Context) ([]forge.Request, error) {
	call := rest.Call{Path: c.At("pulls"), Query: c.Paged("state", "open", "sort", "created", "direction", "desc"), Right: rights.Pulls, Repository: true}
	pulls, err := rest.All(ctx, c.REST, call, forge.MaxRequests, func(p pull) int64 { return p.Number })
	if err != nil {
		return nil, err
	}
	var requests []forge.Request
	for _, p := range pulls {
		r := forge.Request{
			Number: p.Number, Title: p.Title, Author: p.User.Login, URL: p.HTMLURL, Draft: p.Draft, Updated: p.Updated,
			HeadRef: p.Head.Ref, HeadSHA: p.Head.SHA, BaseRef: p.Base.Ref, BaseSHA: p.Base.SHA,
			SameRepository: p.Head.Repo.ID != 0 && p.Head.Repo.ID == p.Base.Repo.ID,
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
	CommitID  string    `json:"commit_id"`
	Submitted time.Time `json:"submitted_at"`
}

func (r review) opinion() forge.Opinion {
	switch r.State {
	case "APPROVED":
		return forge.For
	case "CHANGES_REQUESTED", "DISMISSED":
		return forge.Against
	}
	return forge.NoOpinion
}

type comment struct {
	User    user
	Body    string
	Updated time.Time `json:"updated_at"`
}

// Approvals lists those of a request: among its newest 500 reviews and comments.
func (c *Client) Approvals(ctx context.Context, number int64) ([]forge.Approval, error) {
	call := rest.Call{Path: c.At("pulls", repos.Number(number), "reviews"), Query: c.Paged(), Right: rights.Discussion}
	told, err := rest.Newest[review](ctx, c.REST, call, pageSize, maxNewest)
	if err != nil {
		return nil, err
	}
	var reviews []forge.Review
	for _, r := range told {
		reviews = append(reviews, forge.Review{By: r.User.person(), Commit: r.CommitID, At: r.Submitted, Opinion: r.opinion()})
	}
	call.Path = c.At("issues", repos.Number(number), "comments")
	comments, err := rest.Newest[comment](ctx, c.REST, call, pageSize, maxNewest)
	if err != nil {
		return nil, err
	}
	var said []forge.Comment
	for _, m := range comments {
		said = append(said, forge.Comment{By: m.User.person(), Body: m.Body, At: m.Updated})
	}
	return forge.Allowed(ctx, append(forge.Standing(reviews), forge.Votes(said)...), c.MayWrite)
}

// Propose opens a pull request, or finds the open one.
func (c *Client) Propose(ctx context.Context, p forge.Proposal) (string, error) {
	return c.Repository.Propose(ctx, p, c.Requests)
}
