// Package repos has what GitHub's API and that of Gitea, which follows it, have in
// common below /repos/OWNER/NAME: statuses, comments, permissions, and opening a
// pull request.
package repos

import (
	"cmp"
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

// Rights are what the forge calls those that its calls need.
type Rights struct{ Pulls, Discussion, Comments, Statuses, Permissions, Self forge.Right }

// Repository is one of a forge.
type Repository struct {
	REST        *rest.Client
	Owner, Name string
	Rights      Rights
	// SizeKey is the name of the parameter for how long a page is, Size the most
	// that the forge takes.
	SizeKey string
	Size    int
	// Self is the name that the credentials belong to. It is asked once.
	Self func(context.Context) (string, error)

	mu   sync.Mutex
	self string
	// may are the answers of the last minute, by the name of the person.
	may map[string]permission
}

type permission struct {
	write bool
	until time.Time
}

const (
	// permissionFor is how long an answer about a permission counts.
	permissionFor = time.Minute
	// maxPermissions bounds the remembered ones.
	maxPermissions = 256
	// maxComments is how many comments are searched for the own one.
	maxComments = 1000
	// maxStatusPages bounds how many statuses of a commit are read.
	maxStatusPages = 10
)

// At is the path of something of the repository.
func (r *Repository) At(segments ...string) string {
	return rest.Path(append([]string{"repos", r.Owner, r.Name}, segments...)...)
}

// Paged is a query for the longest pages.
func (r *Repository) Paged(pairs ...string) url.Values {
	q := url.Values{r.SizeKey: {strconv.Itoa(r.Size)}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

// Number is one in a path.
func Number(n int64) string { return strconv.FormatInt(n, 10) }

// MayWrite reports whether a person may write to the repository.
func (r *Repository) MayWrite(ctx context.Context, p forge.Person) (bool, error) {
	r.mu.Lock()
	known, ok := r.may[p.Login]
	r.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known.write, nil
	}
	var answer struct {
		Permission string `json:"permission"`
	}
	_, err := r.REST.Do(ctx, rest.Call{Path: r.At("collaborators", p.Login, "permission"), Into: &answer, Right: r.Rights.Permissions})
	if err != nil && forge.StatusOf(err) != http.StatusNotFound { // no such person
		return false, err
	}
	known = permission{until: time.Now().Add(permissionFor)}
	switch answer.Permission {
	case "write", "admin", "owner": // GitHub's maintain counts as write, triage as read
		known.write = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.may == nil || len(r.may) >= maxPermissions {
		r.may = map[string]permission{}
	}
	r.may[p.Login] = known
	return known.write, nil
}

// Statuses lists the newest status of each own context of a commit.
func (r *Repository) Statuses(ctx context.Context, sha string) ([]forge.Status, error) {
	var own []forge.Status
	for n := 1; n <= maxStatusPages; n++ {
		var answer struct {
			Statuses []struct {
				Context, Description string
				TargetURL            string `json:"target_url"`
				State                string // GitHub
				Status               string // Gitea
			}
		}
		query := r.Paged("page", strconv.Itoa(n))
		_, err := r.REST.Do(ctx, rest.Call{Path: r.At("commits", sha, "status"), Query: query, Into: &answer, Right: r.Rights.Statuses})
		if err != nil {
			return nil, err
		}
		for _, s := range answer.Statuses {
			status := forge.Status{Context: s.Context, State: state(cmp.Or(s.Status, s.State)), Description: s.Description, URL: s.TargetURL}.Fit()
			if status.Own() {
				own = append(own, status)
			}
		}
		if len(answer.Statuses) < r.Size {
			break
		}
	}
	return own, nil
}

// state is one that all forges have. Gitea has others beside, which Headway never
// sets.
func state(s string) forge.State {
	switch state := forge.State(s); state {
	case forge.Pending, forge.Success, forge.Failure:
		return state
	}
	return forge.Errored
}

// SetStatus adds a status to a commit.
func (r *Repository) SetStatus(ctx context.Context, sha string, s forge.Status) error {
	s = s.Fit()
	body := map[string]string{"context": s.Context, "state": string(s.State), "description": s.Description, "target_url": s.URL}
	_, err := r.REST.Do(ctx, rest.Call{Method: http.MethodPost, Path: r.At("statuses", sha), Body: body, Right: r.Rights.Statuses})
	return err
}

// comment is one of an issue or a pull request.
type comment struct {
	ID   int64
	Body string
	User struct{ Login string }
}

// Comment finds the own comment that begins with a line, among the first thousand.
func (r *Repository) Comment(ctx context.Context, number int64, marker string) (int64, string, error) {
	self, err := r.whoami(ctx)
	if err != nil {
		return 0, "", err
	}
	comments, err := rest.Some[comment](ctx, r.REST, rest.Call{Path: r.At("issues", Number(number), "comments"), Query: r.Paged(), Right: r.Rights.Discussion}, maxComments)
	if err != nil {
		return 0, "", err
	}
	for _, c := range comments {
		if strings.EqualFold(c.User.Login, self) && forge.Marked(c.Body, marker) {
			return c.ID, c.Body, nil
		}
	}
	return 0, "", nil
}

func (r *Repository) whoami(ctx context.Context) (string, error) {
	r.mu.Lock()
	self := r.self
	r.mu.Unlock()
	if self != "" {
		return self, nil
	}
	self, err := r.Self(ctx)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.self = self
	return self, nil
}

// SetComment replaces a comment, or makes one.
func (r *Repository) SetComment(ctx context.Context, number, id int64, body string) (int64, error) {
	call := rest.Call{Body: map[string]string{"body": body}, Right: r.Rights.Comments}
	if id != 0 {
		call.Method, call.Path = http.MethodPatch, r.At("issues", "comments", Number(id))
		_, err := r.REST.Do(ctx, call)
		if forge.StatusOf(err) != http.StatusNotFound {
			return id, err
		}
	}
	var made comment
	call.Method, call.Path, call.Into = http.MethodPost, r.At("issues", Number(number), "comments"), &made
	if _, err := r.REST.Do(ctx, call); err != nil {
		return 0, err
	}
	return made.ID, nil
}

// HeadRef is where the repository has the head of a request.
func (r *Repository) HeadRef(number int64) string { return "refs/pull/" + Number(number) + "/head" }

// DeleteComment deletes a comment.
func (r *Repository) DeleteComment(ctx context.Context, _, id int64) error {
	_, err := r.REST.Do(ctx, rest.Call{Method: http.MethodDelete, Path: r.At("issues", "comments", Number(id)), Right: r.Rights.Comments})
	if forge.StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// Propose opens a pull request, or finds the open one in what list gives.
func (r *Repository) Propose(ctx context.Context, p forge.Proposal, list func(context.Context) ([]forge.Request, error)) (string, error) {
	open, err := list(ctx)
	if err != nil {
		return "", err
	}
	if found := p.Among(open); found != "" {
		return found, nil
	}
	var made struct {
		HTMLURL string `json:"html_url"`
	}
	body := map[string]string{"head": p.Head, "base": p.Base, "title": p.Title, "body": p.Body}
	if _, err := r.REST.Do(ctx, rest.Call{Method: http.MethodPost, Path: r.At("pulls"), Body: body, Into: &made, Right: r.Rights.Comments}); err != nil {
		return "", err
	}
	if made.HTMLURL = forge.Link(made.HTMLURL); made.HTMLURL == "" {
		return "", forge.Errorf(v1alpha1.ReasonUnreachable, "%s has opened the pull request and did not say where it is", r.REST.Host())
	}
	return made.HTMLURL, nil
}
