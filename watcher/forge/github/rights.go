package github

import (
	"context"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// Rights reads the permissions of an App, or the scopes of a classic token. A
// fine-grained token does not tell what it may: for each right something is asked
// that cannot be done, as it lacks what it must have.
func (c *Client) Rights(ctx context.Context) ([]forge.Right, error) {
	if c.app != nil {
		return c.ofApp(ctx)
	}
	var repository struct {
		Private     bool
		Permissions struct{ Push bool }
	}
	answer, err := c.REST.Do(ctx, rest.Call{Path: c.At(), Into: &repository, Right: rights.Pulls, Repository: true})
	if err != nil {
		return nil, err
	}
	pulls, comments, statuses, deploys, permissions := rights.Pulls, rights.Comments, rights.Statuses, deployments, rights.Permissions
	if _, classic := answer.Header["X-Oauth-Scopes"]; classic {
		scopes := strings.FieldsFunc(strings.Join(answer.Header.Values("X-Oauth-Scopes"), ","), func(r rune) bool { return r == ',' || r == ' ' })
		allowed := ofScopes(scopes, repository.Private)
		pulls.Granted = allowed("")
		comments.Granted, statuses.Granted, deploys.Granted = allowed("public_repo"), allowed("repo:status"), allowed("repo_deployment")
		comments.Name, statuses.Name, deploys.Name = "scope repo (or public_repo)", "scope repo (or repo:status)", "scope repo (or repo_deployment)"
	} else {
		_, err := c.REST.Do(ctx, rest.Call{Path: c.At("pulls"), Query: c.Paged("state", "open"), Right: rights.Pulls})
		pulls.Granted = forge.GrantedBy(err)
		comments.Granted = c.probe(ctx, comments, "pulls")
		statuses.Granted = c.probe(ctx, statuses, "statuses", strings.Repeat("0", 40))
		deploys.Granted = c.probe(ctx, deploys, "deployments")
	}
	_, err = c.REST.Do(ctx, rest.Call{Path: c.At("collaborators", c.Owner, "permission"), Right: permissions})
	permissions.Granted = forge.GrantedBy(err)
	if !repository.Permissions.Push {
		statuses.Granted, deploys.Granted = forge.No, forge.No
		statuses.Name, deploys.Name = "write access to the repository", "write access to the repository"
	}
	return []forge.Right{pulls, permissions, comments, statuses, deploys}, nil
}

// ofScopes says whether one of the scopes allows what a narrow one allows; "" is
// for reading. For a public repository public_repo has all that repo has but for
// what the narrow ones are about.
func ofScopes(scopes []string, private bool) func(narrow string) forge.Granted {
	has := map[string]bool{}
	for _, s := range scopes {
		has[s] = true
	}
	return func(narrow string) forge.Granted {
		switch {
		case has["repo"]:
		case narrow == "" && !private:
		case narrow == "public_repo" && private:
			return forge.No
		case narrow == "" || !has[narrow] && (!has["public_repo"] || private):
			return forge.No
		}
		return forge.Yes
	}
}

// probe asks for something to be made without saying what. Whoever may not make it
// is told so first.
func (c *Client) probe(ctx context.Context, right forge.Right, at ...string) forge.Granted {
	_, err := c.REST.Do(ctx, rest.Call{Method: http.MethodPost, Path: c.At(at...), Body: map[string]string{}, Right: right})
	if forge.StatusOf(err) == http.StatusNotFound {
		return forge.Unknown
	}
	return forge.GrantedBy(err)
}

func (c *Client) ofApp(ctx context.Context) ([]forge.Right, error) {
	granted, _, err := c.app.permissions(ctx)
	if err != nil {
		return nil, err
	}
	has := func(right forge.Right, name, level string) forge.Right {
		right.Granted = forge.No
		if got := granted[name]; got == "write" || got == "admin" || got == level {
			right.Granted = forge.Yes
		}
		return right
	}
	return []forge.Right{
		has(rights.Pulls, "pull_requests", "read"), has(rights.Permissions, "metadata", "read"), has(rights.Comments, "pull_requests", "write"),
		has(rights.Statuses, "statuses", "write"), has(deployments, "deployments", "write"),
	}, nil
}
