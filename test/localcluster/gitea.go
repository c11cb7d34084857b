package localcluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/worktree"
)

// Gitea is the local cluster's forge, as one of its users.
type Gitea struct {
	// User is the name, Token what it proves itself with, to git as well.
	User, Token string
}

// Gitea is the forge as its administrator. It fails unless `make up FORGE=gitea`
// has brought one up.
func (c *Cluster) Gitea() (*Gitea, error) {
	places, err := layout.New()
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(places.GiteaToken())
	if err != nil {
		return nil, fmt.Errorf("reading the token of Gitea, which make up FORGE=gitea brings up: %w", err)
	}
	return &Gitea{User: layout.GitUser, Token: strings.TrimSpace(string(token))}, nil
}

// NewUser makes a user without any special rights. Only the administrator may.
func (g *Gitea) NewUser(ctx context.Context, name string) (*Gitea, error) {
	password := rand.Text()
	err := g.Call(ctx, http.MethodPost, "admin/users", map[string]any{
		"username": name, "email": name + "@example.com", "password": password, "must_change_password": false,
	}, nil)
	if err != nil {
		return nil, err
	}
	// Tokens are the one thing that Gitea gives for a password only.
	var token struct {
		SHA1 string `json:"sha1"`
	}
	err = call(ctx, http.MethodPost, "users/"+name+"/tokens", func(r *http.Request) { r.SetBasicAuth(name, password) },
		map[string]any{"name": "test", "scopes": []string{"all"}}, &token)
	return &Gitea{User: name, Token: token.SHA1}, err
}

// Remote is a repository, "owner/name", that this user pushes to.
func (g *Gitea) Remote(name string) worktree.Remote {
	url := layout.GiteaURL + "/" + name + ".git"
	return worktree.Remote{URL: url, HostURL: url, User: g.User, Password: g.Token}
}

// Call asks the API, whose path is that below /api/v1/; in and out are JSON, and
// may be nil. Any answer but 2xx is a GiteaError.
func (g *Gitea) Call(ctx context.Context, method, path string, in, out any) error {
	return call(ctx, method, path, func(r *http.Request) { r.Header.Set("Authorization", "token "+g.Token) }, in, out)
}

// GiteaError is an answer that is not 2xx.
type GiteaError struct {
	Call   string
	Status int
	Text   string
}

func (e *GiteaError) Error() string {
	return fmt.Sprintf("%s: status %d: %s", e.Call, e.Status, e.Text)
}

func call(ctx context.Context, method, path string, authorize func(*http.Request), in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, layout.GiteaURL+"/api/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	authorize(request)
	response, err := direct.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode/100 != 2 {
		return &GiteaError{Call: method + " " + path, Status: response.StatusCode, Text: strings.TrimSpace(string(answer))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// direct goes past any proxy of the machine.
var direct = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10}}

// Merge merges a pull request of a repository, "owner/name", in a style of Gitea's: merge, rebase,
// squash, fast-forward-only. A request that was just opened or pushed to cannot be
// merged for a moment, which it waits for.
func (g *Gitea) Merge(ctx context.Context, repository string, number int64, style string) error {
	for tries := 0; ; tries++ {
		err := g.Call(ctx, http.MethodPost, fmt.Sprintf("repos/%s/pulls/%d/merge", repository, number), map[string]any{"Do": style}, nil)
		refused := new(GiteaError)
		if tries == 50 || !errors.As(err, &refused) || refused.Status != http.StatusMethodNotAllowed {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}
