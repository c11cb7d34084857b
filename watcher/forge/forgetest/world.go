package forgetest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// World is one repository on a forge, acme/shop, behind its API.
type World struct {
	mu sync.Mutex
	// Token is what the forge takes; Self the account that it belongs to.
	Token, Self string
	// Tags: lists have entity tags.
	Tags     bool
	Requests []Request
	Reviews  map[int64][]Review
	Comments map[int64][]Comment
	Statuses map[string][]Status
	Deployed []Deployment
	// Roles are what accounts may do: admin, write, read. Others are not known.
	Roles map[string]string
	// Bots are accounts that are no persons.
	Bots []string
	// Asked are the requests that were answered: their method, path and status.
	Asked []string

	last int64
}

// Request is an open pull request.
type Request struct {
	Number                         int64
	Title, Author, Head, SHA, Base string
	Fork, Gone, AGit, Draft        bool
}

// Review is one of a request. State is GitHub's word; for Gitea a dismissed one is
// an approval that is marked so.
type Review struct {
	By, State, Commit string
	At                time.Time
}

// Comment is one of a request.
type Comment struct {
	ID       int64
	By, Body string
	At       time.Time
}

// Status is one of a commit.
type Status struct {
	ID                               int64
	Context, State, Description, URL string
	Pipeline                         int64
}

// Deployment is one of GitHub's.
type Deployment struct {
	ID               int64
	Environment, SHA string
	Transient        bool
	States           []string
	URL              string
}

// NewWorld has ada, who administers the repository and whose token it is; eve, who
// may write; bob, who may read; and a bot that may write.
func NewWorld() *World {
	return &World{
		Token: "t0ken-of-ada", Self: "ada", Tags: true, last: 100,
		Reviews: map[int64][]Review{}, Comments: map[int64][]Comment{}, Statuses: map[string][]Status{},
		Roles: map[string]string{"ada": "admin", "eve": "write", "bob": "read", "robot": "write"}, Bots: []string{"robot"},
	}
}

// id of an account.
func id(login string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(login))
	return int64(h.Sum32())
}

func (w *World) next() int64 {
	w.last++
	return w.last
}

// Log gives what was asked since the last call.
func (w *World) Log() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	asked := w.Asked
	w.Asked = nil
	return asked
}

// Do changes the world.
func (w *World) Do(change func(*World)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// object is JSON as a forge writes it.
type object = map[string]any

// reply is an answer.
type reply struct {
	status int
	body   any
	header map[string]string
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

func missing() reply { return reply{status: http.StatusNotFound, body: object{"message": "Not Found"}} }

// handle adds a route. Each wants the token, and holds the world while it answers.
func (w *World) handle(mux *http.ServeMux, pattern string, answer func(r *http.Request, in object) reply) {
	mux.HandleFunc(pattern, func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		in := object{}
		_ = json.NewDecoder(r.Body).Decode(&in)
		a := reply{status: http.StatusUnauthorized, body: object{"message": "401 Unauthorized", "documentation_url": "https://docs.example.com", "url": "https://git.example.com/api/swagger"}}
		if strings.HasSuffix(r.Header.Get("Authorization"), " "+w.Token) {
			a = answer(r, in)
		}
		body, _ := json.Marshal(a.body)
		for name, value := range a.header {
			out.Header().Set(name, value)
		}
		out.Header().Set("Content-Type", "application/json; charset=utf-8")
		sum := fnv.New64a()
		_, _ = sum.Write(body)
		if tag := fmt.Sprintf(`W/"%x"`, sum.Sum64()); w.Tags && r.Method == http.MethodGet && a.status == http.StatusOK {
			out.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag {
				a.status = http.StatusNotModified
			}
		}
		w.Asked = append(w.Asked, fmt.Sprintf("%s %s %d", r.Method, r.URL.EscapedPath(), a.status))
		out.WriteHeader(a.status)
		if a.status != http.StatusNotModified && a.status != http.StatusNoContent {
			_, _ = out.Write(body)
		}
	})
}

// pages gives a page of a list with the headers of GitHub and GitLab.
func pages[T any](r *http.Request, list []T, key string) reply {
	size, n := 30, 1
	if asked, err := strconv.Atoi(r.URL.Query().Get(key)); err == nil {
		size = asked
	}
	if asked, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		n = asked
	}
	from, to := min((n-1)*size, len(list)), min(n*size, len(list))
	header := map[string]string{"X-Total-Count": strconv.Itoa(len(list))}
	if to < len(list) {
		last := (len(list) + size - 1) / size
		header["Link"] = fmt.Sprintf(`<https://elsewhere.example.com%s?page=%d>; rel="next", <https://elsewhere.example.com%[1]s?page=%[3]d>; rel="last"`, r.URL.Path, n+1, last)
		header["X-Next-Page"] = strconv.Itoa(n + 1)
	}
	return reply{http.StatusOK, append([]T{}, list[from:to]...), header}
}

// open are the requests, newest first.
func (w *World) open() []Request {
	list := slices.Clone(w.Requests)
	slices.SortFunc(list, func(a, b Request) int { return int(b.Number - a.Number) })
	return list
}

func number(r *http.Request, name string) int64 {
	n, _ := strconv.ParseInt(r.PathValue(name), 10, 64)
	return n
}

func text(in object, name string) string {
	s, _ := in[name].(string)
	return s
}

// edit changes the body of a comment; a nil one deletes it.
func (w *World) edit(id int64, body *string) (Comment, bool) {
	for n, list := range w.Comments {
		for i := range list {
			if list[i].ID != id {
				continue
			}
			c := list[i]
			if body == nil {
				w.Comments[n] = slices.Delete(list, i, i+1)
				return c, true
			}
			list[i].Body = *body
			return list[i], true
		}
	}
	return Comment{}, false
}
