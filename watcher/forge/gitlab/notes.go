package gitlab

import (
	"context"
	"net/http"
	"time"

	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

type note struct {
	ID      int64
	Body    string
	System  bool
	Author  user
	Updated time.Time `json:"updated_at"`
}

// Approvals lists those of a request: among its newest 500 comments.
func (c *Client) Approvals(ctx context.Context, n int64) ([]forge.Approval, error) {
	path, err := c.at(ctx, "merge_requests", number(n), "notes")
	if err != nil {
		return nil, err
	}
	notes, err := rest.Some[note](ctx, c.rest, rest.Call{Path: path, Query: paged("order_by", "updated_at", "sort", "desc"), Right: discussion}, maxNewest)
	if err != nil {
		return nil, err
	}
	var said []forge.Comment
	for _, m := range notes {
		if !m.System {
			said = append(said, forge.Comment{By: m.Author.person(), Body: m.Body, At: m.Updated})
		}
	}
	return forge.Allowed(ctx, forge.Votes(said), c.mayWrite)
}

// mayWrite reports whether somebody is a person with the role of Developer or a
// higher one.
func (c *Client) mayWrite(ctx context.Context, p forge.Person) (bool, error) {
	c.mu.Lock()
	known, ok := c.may[p.ID]
	c.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known.write, nil
	}
	path, err := c.at(ctx, "members", "all", number(p.ID))
	if err != nil {
		return false, err
	}
	var member struct {
		State string
		access
	}
	_, err = c.rest.Do(ctx, rest.Call{Path: path, Into: &member, Right: members})
	if err != nil && forge.StatusOf(err) != http.StatusNotFound {
		return false, err
	}
	write := err == nil && member.Level >= developer && (member.State == "" || member.State == "active")
	if write {
		var account struct{ Bot bool }
		if _, err := c.rest.Do(ctx, rest.Call{Path: rest.Path("users", number(p.ID)), Into: &account, Right: members}); err != nil {
			return false, err
		}
		write = !account.Bot
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.may) >= maxRemembered {
		clear(c.may)
	}
	c.may[p.ID] = membership{write, time.Now().Add(memberFor)}
	return write, nil
}

// Comment finds the own comment that begins with a line, among the first thousand.
func (c *Client) Comment(ctx context.Context, n int64, marker string) (int64, string, error) {
	login, err := c.whoami(ctx)
	if err != nil {
		return 0, "", err
	}
	path, err := c.at(ctx, "merge_requests", number(n), "notes")
	if err != nil {
		return 0, "", err
	}
	notes, err := rest.Some[note](ctx, c.rest, rest.Call{Path: path, Query: paged("order_by", "created_at", "sort", "asc"), Right: discussion}, maxComments)
	if err != nil {
		return 0, "", err
	}
	for _, m := range notes {
		if m.Author.Username == login && !m.System && forge.Marked(m.Body, marker) {
			return m.ID, m.Body, nil
		}
	}
	return 0, "", nil
}

func (c *Client) whoami(ctx context.Context) (string, error) {
	c.mu.Lock()
	login := c.login
	c.mu.Unlock()
	if login != "" {
		return login, nil
	}
	var account user
	if _, err := c.rest.Do(ctx, rest.Call{Path: "user", Into: &account, Right: self}); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.login = account.Username
	return c.login, nil
}

// SetComment replaces a comment, or makes one.
func (c *Client) SetComment(ctx context.Context, n, id int64, body string) (int64, error) {
	path, err := c.at(ctx, "merge_requests", number(n), "notes")
	if err != nil {
		return 0, err
	}
	call := rest.Call{Body: map[string]string{"body": body}, Right: comments}
	if id != 0 {
		call.Method, call.Path = http.MethodPut, path+"/"+number(id)
		_, err := c.rest.Do(ctx, call)
		if forge.StatusOf(err) != http.StatusNotFound {
			return id, err
		}
	}
	var made note
	call.Method, call.Path, call.Into = http.MethodPost, path, &made
	if _, err := c.rest.Do(ctx, call); err != nil {
		return 0, err
	}
	return made.ID, nil
}

// DeleteComment deletes a comment.
func (c *Client) DeleteComment(ctx context.Context, n, id int64) error {
	path, err := c.at(ctx, "merge_requests", number(n), "notes", number(id))
	if err != nil {
		return err
	}
	_, err = c.rest.Do(ctx, rest.Call{Method: http.MethodDelete, Path: path, Right: comments})
	if forge.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}
