package github

import (
	"context"
	"errors"
	"net/http"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/repos"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// maxRetired is how many deployments of a place one call removes: each takes two
// writes.
const maxRetired = 100

// administration is the right that only who administers a repository has. Without
// it an empty environment stays.
var administration = forge.Right{Name: "Administration: write", For: "delete environments", Optional: true}

type deployment struct{ ID int64 }

// Deploy says that a commit is to be seen at a place.
func (c *Client) Deploy(ctx context.Context, d forge.Deployment) error {
	made, err := c.deployed(ctx, d.Environment, "sha", d.Ref)
	if err != nil {
		return err
	}
	var at deployment
	if len(made) > 0 {
		at = made[0]
	} else {
		body := map[string]any{
			"ref": d.Ref, "environment": d.Environment, "transient_environment": true, "production_environment": false,
			"auto_merge": false, "required_contexts": []string{}, // or GitHub merges, and waits for all statuses
		}
		if _, err := c.REST.Do(ctx, rest.Call{Method: http.MethodPost, Path: c.At("deployments"), Body: body, Into: &at, Right: deployments}); err != nil {
			return err
		}
	}
	return c.tell(ctx, at, map[string]string{"state": d.State, "environment_url": forge.Link(d.URL), "log_url": forge.Link(d.LogURL)})
}

// Retire removes a place with all that was deployed there, at most 100 deployments
// in one call. GitHub keeps a deployment until it is deleted, and lets only an
// inactive one be deleted. The place itself stays, empty, where the credentials may
// not delete it.
func (c *Client) Retire(ctx context.Context, environment string) error {
	made, err := c.deployed(ctx, environment)
	if err != nil {
		return err
	}
	for _, d := range made[:min(len(made), maxRetired)] {
		if err := c.tell(ctx, d, map[string]string{"state": "inactive"}); err != nil {
			return err
		}
		_, err := c.REST.Do(ctx, rest.Call{Method: http.MethodDelete, Path: c.At("deployments", repos.Number(d.ID)), Right: deployments})
		if err != nil && forge.StatusOf(err) != http.StatusNotFound {
			return err
		}
	}
	_, err = c.REST.Do(ctx, rest.Call{Method: http.MethodDelete, Path: c.At("environments", environment), Right: administration})
	var failure *forge.Error
	if errors.As(err, &failure) && (failure.Status == http.StatusNotFound || failure.Reason == v1alpha1.ReasonRightMissing) {
		return nil
	}
	return err
}

func (c *Client) deployed(ctx context.Context, environment string, pairs ...string) ([]deployment, error) {
	call := rest.Call{Path: c.At("deployments"), Query: c.Paged(append(pairs, "environment", environment)...), Right: deployments}
	return rest.Some[deployment](ctx, c.REST, call, pageSize)
}

func (c *Client) tell(ctx context.Context, d deployment, status map[string]string) error {
	_, err := c.REST.Do(ctx, rest.Call{Method: http.MethodPost, Path: c.At("deployments", repos.Number(d.ID), "statuses"), Body: status, Right: deployments})
	return err
}
