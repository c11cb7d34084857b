package forge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/forgetest"
	"github.com/headway-dev/headway/watcher/forge/gitea"
	"github.com/headway-dev/headway/watcher/forge/github"
	"github.com/headway-dev/headway/watcher/forge/gitlab"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// forges are all clients, each before a server that answers as its forge does.
var forges = map[string]func(*forgetest.World) forge.Client{
	"github": func(w *forgetest.World) forge.Client {
		return github.New(config(w.GitHub(), "/api/v3", rest.Token{Scheme: "Bearer", Value: w.Token}), "acme", "shop")
	},
	"gitea": func(w *forgetest.World) forge.Client {
		return gitea.New(config(w.Gitea(), "/api/v1", rest.Token{Scheme: "token", Value: w.Token}), "acme", "shop")
	},
	"gitlab": func(w *forgetest.World) forge.Client {
		return gitlab.New(config(w.GitLab(), "/api/v4", rest.Token{Scheme: "Bearer", Value: w.Token}), "acme/shop")
	},
}

func config(handler http.Handler, path string, auth rest.Authorizer) rest.Config {
	return rest.Config{
		Base: &url.URL{Scheme: "https", Host: "git.example.com", Path: path}, Auth: auth,
		Account: rest.NewAccount(forgetest.Served{Handler: handler}, 0),
	}
}

// each runs a test with every forge.
func each(t *testing.T, test func(*testing.T, forge.Client, *forgetest.World)) {
	for name, client := range forges {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := forgetest.NewWorld()
				test(t, client(w), w)
			})
		})
	}
}

func sha(c string) string { return strings.Repeat(c, 40) }

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestNames(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, _ *forgetest.World) {
		want := map[string]string{"github": "refs/pull/12/head", "gitea": "refs/pull/12/head", "gitlab": "refs/merge-requests/12/head"}[c.Name()]
		if got := c.HeadRef(12); got != want {
			t.Errorf("the head of request 12 is %s, want %s", got, want)
		}
	})
}

func TestRequests(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Requests = []forgetest.Request{
			{Number: 1, Title: "Sell more", Author: "ada", Head: "feat/more", SHA: sha("a"), Base: "main"},
			{Number: 2, Title: "Draft: \x1b[2JSell\nless", Author: "bob", Head: "main", SHA: sha("b"), Base: "main", Fork: true, Draft: true},
			{Number: 3, Title: "Gone", Author: "bob", Head: "x", SHA: sha("c"), Base: "dev", Gone: true},
			{Number: 4, Title: "AGit", Author: "bob", Head: "bob/x", SHA: sha("d"), Base: "main", AGit: true, Fork: c.Name() == "github"},
		}
		got, err := c.Requests(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, r := range got {
			lines = append(lines, fmt.Sprintf("%d %q %s %s->%s %s same=%v draft=%v %v", r.Number, r.Title, r.Author, r.HeadRef, r.BaseRef, r.HeadSHA[:7], r.SameRepository, r.Draft, r.Labels))
			if !strings.HasPrefix(r.URL, "https://git.example.com/acme/shop/") || r.Updated.UTC().Truncate(time.Second) != noon {
				t.Errorf("request %d: %s, %s", r.Number, r.URL, r.Updated)
			}
		}
		agit := "bob/x"
		if c.Name() == "gitea" {
			agit = "refs/pull/4/head"
		}
		want := []string{
			`4 "AGit" bob ` + agit + `->main ddddddd same=false draft=false [bug]`,
			`3 "Gone" bob x->dev ccccccc same=false draft=false [bug]`,
			`2 "Draft: [2JSell less" bob main->main bbbbbbb same=false draft=true [bug]`,
			`1 "Sell more" ada feat/more->main aaaaaaa same=true draft=false [bug]`,
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// TestIdle: where nothing is new, one request each time, which costs nothing where
// the forge has entity tags.
func TestIdle(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Requests = []forgetest.Request{{Number: 1, Title: "x", Author: "ada", Head: "x", SHA: sha("a"), Base: "main"}}
		first, err := c.Requests(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Log()
		for range 10 {
			got, err := c.Requests(t.Context())
			if diff := cmp.Diff(first, got); diff != "" || err != nil {
				t.Fatalf("%v %s", err, diff)
			}
		}
		status := " 304"
		if c.Name() == "gitea" {
			status = " 200"
		}
		asked := w.Log()
		if len(asked) != 10 || slices.ContainsFunc(asked, func(s string) bool { return !strings.HasSuffix(s, status) }) {
			t.Errorf("ten looks ask %q", asked)
		}
		w.Do(func(w *forgetest.World) { w.Requests = nil })
		if got, err := c.Requests(t.Context()); err != nil || len(got) != 0 {
			t.Errorf("after the close: %v, %v", got, err)
		}
	})
}

func TestManyRequests(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		for n := range int64(250) {
			w.Requests = append(w.Requests, forgetest.Request{Number: n + 1, Head: "x", SHA: sha("a"), Base: "main"})
		}
		got, err := c.Requests(t.Context())
		if err != nil || len(got) != forge.MaxRequests || got[0].Number != 250 || got[199].Number != 51 {
			t.Errorf("%d requests, %v", len(got), err)
		}
		if asked := len(w.Log()); asked > 7 {
			t.Errorf("%d questions", asked)
		}
	})
}

// TestCommandApproves: comments on every forge.
func TestCommandApproves(t *testing.T) {
	command := "/headway approve " + sha("a")
	tests := []struct {
		name     string
		comments []forgetest.Comment
		want     []forge.Approval
	}{
		{"nobody", nil, nil},
		{"who may write", []forgetest.Comment{{By: "eve", Body: "Fine.\r\n\r\n" + command}}, []forge.Approval{{By: "eve", Commit: sha("a")}}},
		{"who administers", []forgetest.Comment{{By: "ada", Body: "/headway approve aaaaaaa"}}, []forge.Approval{{By: "ada", Commit: "aaaaaaa"}}},
		{"who may read", []forgetest.Comment{{By: "bob", Body: command}}, nil},
		{"a stranger", []forgetest.Comment{{By: "mallory", Body: command}}, nil},
		{"quoted by one who may write", []forgetest.Comment{{By: "eve", Body: "> " + command}}, nil},
		{"newest first", []forgetest.Comment{{By: "eve", Body: command, At: noon}, {By: "ada", Body: "/headway approve bbbbbbb", At: noon.Add(time.Minute)}}, []forge.Approval{{By: "ada", Commit: "bbbbbbb", At: noon.Add(time.Minute)}, {By: "eve", Commit: sha("a"), At: noon}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
				w.Comments[3] = tt.comments
				got, err := c.Approvals(t.Context(), 3)
				if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
					t.Errorf("%v %s", err, diff)
				}
			})
		})
	}
}

// TestBotsDoNotApprove: Gitea does not tell who is one.
func TestBotsDoNotApprove(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		if c.Name() == "gitea" {
			return
		}
		w.Comments[3] = []forgetest.Comment{{By: "robot", Body: "/headway approve aaaaaaa"}}
		if got, err := c.Approvals(t.Context(), 3); got != nil || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// TestReviewsApprove: GitLab's name no commit.
func TestReviewsApprove(t *testing.T) {
	review := func(by, state string, minute int) forgetest.Review {
		return forgetest.Review{By: by, State: state, Commit: sha("a"), At: noon.Add(time.Duration(minute) * time.Minute)}
	}
	tests := []struct {
		name    string
		reviews []forgetest.Review
		want    string
	}{
		{"approved", []forgetest.Review{review("eve", "APPROVED", 1)}, "eve"},
		{"by who may read", []forgetest.Review{review("bob", "APPROVED", 1)}, ""},
		{"remarked on later", []forgetest.Review{review("eve", "APPROVED", 1), review("eve", "COMMENTED", 2)}, "eve"},
		{"dismissed", []forgetest.Review{review("eve", "DISMISSED", 1)}, ""},
		{"taken back", []forgetest.Review{review("eve", "APPROVED", 1), review("eve", "CHANGES_REQUESTED", 2)}, ""},
		{"another one wants changes", []forgetest.Review{review("eve", "APPROVED", 1), review("bob", "CHANGES_REQUESTED", 2)}, "eve"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
				if c.Name() == "gitlab" {
					return
				}
				w.Reviews[3] = tt.reviews
				got, err := c.Approvals(t.Context(), 3)
				by := ""
				for _, a := range got {
					by += a.By
				}
				if by != tt.want || err != nil {
					t.Errorf("%v, %v; want %q", got, err, tt.want)
				}
			})
		})
	}
}

// TestManyReviews: the newest are found behind those that spam has brought.
func TestManyReviews(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		for range 420 {
			w.Comments[3] = append(w.Comments[3], forgetest.Comment{By: "mallory", Body: "spam", At: noon})
			w.Reviews[3] = append(w.Reviews[3], forgetest.Review{By: "mallory", State: "COMMENTED", At: noon})
		}
		w.Comments[3] = append(w.Comments[3], forgetest.Comment{By: "eve", Body: "/headway approve aaaaaaa", At: noon.Add(time.Hour)})
		got, err := c.Approvals(t.Context(), 3)
		if err != nil || len(got) != 1 || got[0].By != "eve" {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// TestPermissionsAreRemembered for a minute.
func TestPermissionsAreRemembered(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Comments[3] = []forgetest.Comment{{By: "eve", Body: "/headway approve aaaaaaa"}}
		count := func() (n int) {
			if _, err := c.Approvals(t.Context(), 3); err != nil {
				t.Fatal(err)
			}
			for _, asked := range w.Log() {
				if strings.Contains(asked, "/permission") || strings.Contains(asked, "/members/") {
					n++
				}
			}
			return n
		}
		if first, second := count(), count(); first != 1 || second != 0 {
			t.Errorf("asked %d and %d times", first, second)
		}
		w.Do(func(w *forgetest.World) { w.Roles["eve"] = "read" })
		time.Sleep(time.Minute)
		if got, err := c.Approvals(t.Context(), 3); err != nil || got != nil {
			t.Errorf("a minute after the right was taken away: %v, %v", got, err)
		}
	})
}

func TestStatuses(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Statuses[sha("a")] = []forgetest.Status{{ID: 1, Context: "ci/test", State: "success"}}
		set := func(context string, state forge.State, text string) {
			t.Helper()
			if err := c.SetStatus(t.Context(), sha("a"), forge.Status{Context: context, State: state, Description: text, URL: "https://shop-pr-1.example.com"}); err != nil {
				t.Fatal(err)
			}
		}
		set("headway/build/shop", forge.Pending, "building")
		set("headway/build/shop", forge.Pending, "building") // GitLab refuses that
		set("headway/build/shop", forge.Success, "built in 4 s")
		set("headway/preview/shop", forge.Failure, strings.Repeat("x", 200))
		got, err := c.Statuses(t.Context(), sha("a"))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b forge.Status) int { return strings.Compare(a.Context, b.Context) })
		want := []forge.Status{
			{Context: "headway/build/shop", State: forge.Success, Description: "built in 4 s", URL: "https://shop-pr-1.example.com"},
			{Context: "headway/preview/shop", State: forge.Failure, Description: strings.Repeat("x", 139) + "…", URL: "https://shop-pr-1.example.com"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if c.Name() == "gitlab" {
			for _, s := range w.Statuses[sha("a")][2:] {
				if s.Pipeline != w.Statuses[sha("a")][1].Pipeline {
					t.Errorf("statuses are in several pipelines: %+v", w.Statuses[sha("a")])
				}
			}
		}
	})
}

// TestStatusOfFork: where it may not be set in the fork, it is in the project, and
// what else is set there is not held up.
func TestStatusOfFork(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Requests = []forgetest.Request{{Number: 2, Head: "x", SHA: sha("b"), Base: "main", Fork: true}}
		if _, err := c.Requests(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := c.SetStatus(t.Context(), sha("b"), forge.Status{Context: "headway/preview/shop", State: forge.Success}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := c.Statuses(t.Context(), sha("b")); err != nil || len(got) != 1 || got[0].State != forge.Success {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestComments(t *testing.T) {
	const marker = "<!-- headway:preview -->"
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Comments[3] = []forgetest.Comment{
			{ID: 1, By: "mallory", Body: marker + "\nnot Headway's"},
			{ID: 2, By: "ada", Body: "Look at\n" + marker},
		}
		find := func() (int64, string) {
			t.Helper()
			id, body, err := c.Comment(t.Context(), 3, marker)
			if err != nil {
				t.Fatal(err)
			}
			return id, body
		}
		if id, _ := find(); id != 0 {
			t.Fatalf("found comment %d", id)
		}
		made, err := c.SetComment(t.Context(), 3, 0, marker+"\none")
		if id, body := find(); err != nil || id != made || id == 0 || body != marker+"\none" {
			t.Fatalf("%v: made %d, found %d %q", err, made, id, body)
		}
		same, err := c.SetComment(t.Context(), 3, made, marker+"\ntwo")
		if id, body := find(); err != nil || same != made || id != made || body != marker+"\ntwo" {
			t.Errorf("%v: changed %d into %d %q", err, same, id, body)
		}
		for range 2 {
			if err := c.DeleteComment(t.Context(), 3, made); err != nil {
				t.Error(err)
			}
		}
		again, err := c.SetComment(t.Context(), 3, made, marker+"\nthree")
		if id, _ := find(); err != nil || again == made || id != again {
			t.Errorf("%v: in the place of a deleted one %d, found %d", err, again, id)
		}
		if len(w.Comments[3]) != 3 {
			t.Errorf("%d comments", len(w.Comments[3]))
		}
	})
}

func TestPropose(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Requests = []forgetest.Request{{Number: 2, Head: "headway/revert/shop", SHA: sha("b"), Base: "main", Fork: true}}
		p := forge.Proposal{Head: "headway/revert/shop", Base: "main", Title: "Revert shop", Body: "It failed."}
		first, err := c.Propose(t.Context(), p)
		if err != nil || first == "" {
			t.Fatalf("%q, %v", first, err)
		}
		second, err := c.Propose(t.Context(), p)
		if err != nil || second != first || len(w.Requests) != 2 {
			t.Errorf("%q, then %q, %v; %d requests", first, second, err, len(w.Requests))
		}
	})
}

func TestRights(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, _ *forgetest.World) {
		got, err := c.Rights(t.Context())
		if err != nil || len(got) < 4 {
			t.Fatalf("%v, %v", got, err)
		}
		for _, r := range got {
			if r.Name == "" || r.For == "" || r.Granted != forge.Yes {
				t.Errorf("%+v", r)
			}
		}
	})
}

func TestDeployments(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		const place = "preview/pr-12-shop"
		deploy := func(sha, state string) {
			t.Helper()
			if err := c.Deploy(t.Context(), forge.Deployment{Environment: place, Ref: sha, State: state, URL: "https://shop-pr-12.example.com"}); err != nil {
				t.Fatal(err)
			}
		}
		deploy(sha("a"), "in_progress")
		writes := writes(w.Log())
		deploy(sha("a"), "success")
		if c.Name() != "github" {
			if len(w.Deployed) > 0 || len(writes) > 0 {
				t.Errorf("%s has deployments", c.Name())
			}
			return
		}
		if len(writes) != 2 || len(w.Deployed) != 1 || !w.Deployed[0].Transient || strings.Join(w.Deployed[0].States, " ") != "in_progress success" {
			t.Errorf("writes %q, %+v", writes, w.Deployed)
		}
		deploy(sha("b"), "success")
		for range 2 {
			if err := c.Retire(t.Context(), place); err != nil {
				t.Fatal(err)
			}
		}
		if len(w.Deployed) != 0 {
			t.Errorf("left behind: %+v", w.Deployed)
		}
	})
}

func writes(asked []string) []string {
	return slices.DeleteFunc(asked, func(s string) bool { return strings.HasPrefix(s, "GET") })
}

// TestRevoked: everything fails at once and without a request, until a minute has
// passed.
func TestRevoked(t *testing.T) {
	each(t, func(t *testing.T, c forge.Client, w *forgetest.World) {
		w.Token = "another"
		calls := []func(context.Context) error{
			func(ctx context.Context) error { _, err := c.Requests(ctx); return err },
			func(ctx context.Context) error { _, err := c.Approvals(ctx, 3); return err },
			func(ctx context.Context) error { _, err := c.Statuses(ctx, sha("a")); return err },
			func(ctx context.Context) error { return c.SetStatus(ctx, sha("a"), forge.Status{}) },
			func(ctx context.Context) error { _, _, err := c.Comment(ctx, 3, "x"); return err },
			func(ctx context.Context) error { _, err := c.SetComment(ctx, 3, 1, "x"); return err },
			func(ctx context.Context) error { return c.DeleteComment(ctx, 3, 1) },
			func(ctx context.Context) error { _, err := c.Propose(ctx, forge.Proposal{}); return err },
			func(ctx context.Context) error { _, err := c.Rights(ctx); return err },
		}
		for i, call := range calls {
			if err := call(t.Context()); forge.StatusOf(err) != 401 {
				t.Errorf("call %d: %v", i, err)
			}
		}
		if asked := w.Log(); len(asked) != 1 {
			t.Errorf("asked %q", asked)
		}
		time.Sleep(time.Minute)
		w.Do(func(w *forgetest.World) { w.Token = "t0ken-of-ada" })
		if _, err := c.Requests(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
