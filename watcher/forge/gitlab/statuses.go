package gitlab

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// inFork is the right to set the status of a commit where the commit of a fork is
// shown first. Few have it; then the status is set in the project itself.
var inFork = forge.Right{Name: "role Developer in the fork", For: "set the status of commits of forks", Optional: true}

// commitStatus is a status as GitLab tells it.
type commitStatus struct {
	ID          int64
	Name        string
	Status      string
	Description string
	TargetURL   string `json:"target_url"`
	Pipeline    int64  `json:"pipeline_id"`
}

// state is one that all forges have.
func (s commitStatus) state() forge.State {
	switch s.Status {
	case "success":
		return forge.Success
	case "failed":
		return forge.Failure
	case "canceled", "skipped":
		return forge.Errored
	}
	return forge.Pending
}

// Statuses lists the newest status of each own context of a commit. Those of a
// fork's commit may be in the fork or in the project.
func (c *Client) Statuses(ctx context.Context, sha string) ([]forge.Status, error) {
	path, err := c.at(ctx, "repository", "commits", sha, "statuses")
	if err != nil {
		return nil, err
	}
	told, err := rest.Some[commitStatus](ctx, c.rest, rest.Call{Path: path, Query: paged(), Right: statuses}, maxComments)
	if err != nil && forge.StatusOf(err) != http.StatusNotFound {
		return nil, err
	}
	if source := c.source(sha); source != 0 {
		more, err := rest.Some[commitStatus](ctx, c.rest, rest.Call{Path: in(source, "repository", "commits", sha, "statuses"), Query: paged(), Right: inFork}, maxComments)
		if err == nil {
			told = append(told, more...)
		}
	}
	newest := map[string]int64{}
	for _, s := range told {
		newest[s.Name] = max(newest[s.Name], s.ID)
	}
	var own []forge.Status
	for _, s := range told {
		status := forge.Status{Context: s.Name, State: s.state(), Description: s.Description, URL: s.TargetURL}.Fit()
		if status.Own() && newest[s.Name] == s.ID {
			own = append(own, status)
		}
	}
	return own, nil
}

// SetStatus adds a status to a commit: to that of a fork in the fork, where GitLab
// shows it, and else in the project.
func (c *Client) SetStatus(ctx context.Context, sha string, s forge.Status) error {
	if source := c.source(sha); source != 0 {
		err := c.set(ctx, source, sha, s, inFork)
		if status := forge.StatusOf(err); err == nil || status != http.StatusForbidden && status != http.StatusNotFound {
			return err
		}
	}
	if _, err := c.at(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	id := c.project.ID
	c.mu.Unlock()
	return c.set(ctx, id, sha, s, statuses)
}

func (c *Client) set(ctx context.Context, project int64, sha string, s forge.Status, right forge.Right) error {
	s = s.Fit()
	state := string(s.State)
	if s.State == forge.Failure || s.State == forge.Errored {
		state = "failed"
	}
	body := map[string]any{"name": s.Context, "state": state, "description": s.Description}
	if s.URL != "" {
		body["target_url"] = s.URL
	}
	key := pipeline{project, sha}
	c.mu.Lock()
	if id := c.pipelines[key]; id != 0 {
		body["pipeline_id"] = id // or each status may come into a pipeline of its own
	}
	c.mu.Unlock()
	var made commitStatus
	_, err := c.rest.Do(ctx, rest.Call{Method: http.MethodPost, Path: in(project, "statuses", sha), Body: body, Into: &made, Right: right})
	c.mu.Lock()
	defer c.mu.Unlock()
	var failure *forge.Error
	switch {
	case err == nil:
		if len(c.pipelines) >= maxRemembered {
			clear(c.pipelines)
		}
		c.pipelines[key] = made.Pipeline
	case errors.As(err, &failure) && failure.Reason == v1alpha1.ReasonRefused && strings.Contains(failure.Message, "Cannot transition status"):
		return nil // it has this state already
	default:
		delete(c.pipelines, key)
	}
	return err
}

func (c *Client) source(sha string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sources[sha]
}
