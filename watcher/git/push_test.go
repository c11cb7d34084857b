package git_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

const mainRef = "refs/heads/main"

// pushable is a remote whose branch has a bad commit, and the revert of it.
type pushable struct {
	remote
	client  *git.Client
	session *git.Session
	bad     string
	made    *git.Made
}

func newPushable(t *testing.T, limits git.Limits, r remote) pushable {
	t.Helper()
	good := r.repo.CommitAndPush("good", map[string]string{"a": "good " + t.Name()})
	bad := r.repo.CommitAndPush("bad", map[string]string{"a": "bad"})
	p := pushable{remote: r, client: git.NewClient(limits), bad: bad}
	p.session = connect(t, p.client, r)
	cache := fetched(t, p.client, p.session, bad)
	if found, err := cache.FetchCommit(t.Context(), p.session, good, bad); err != nil || !found {
		t.Fatalf("FetchCommit: %v, %v", found, err)
	}
	var err error
	if p.made, err = cache.Revert(git.Revert{Head: bad, From: good, Paths: []string{"a"}, Message: "back", When: when}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p pushable) at() string { return p.repo.InBare("rev-parse", "main") }

// TestRefusedPushes: what a server may have against a push, over both
// transports. The branch stays where it is, and what is said holds no secret.
func TestRefusedPushes(t *testing.T) {
	for transport := range remotes(t) {
		for _, test := range []struct {
			name, hook, script string
			reason, text       string
		}{
			{"protected", "pre-receive", "echo GH006: main is protected, says s3cret >&2; exit 1", git.ReasonRefused, "pre-receive hook declined: GH006: main is protected, says "},
			{"refused by name", "update", "echo not this one >&2; exit 1", git.ReasonRefused, "hook declined: not this one"},
			{"wordy", "pre-receive", "yes abcdefg | head -c 100000 >&2; exit 1", git.ReasonRefused, "abcdefg abcd..."},
			{"moved in between", "update", `test "$1" != refs/heads/main || git update-ref refs/heads/main $(git rev-parse main~1)`, git.ReasonMoved, "and not at"},
			{"gone in between", "update", `git update-ref -d refs/heads/main`, git.ReasonMoved, "it is gone"},
		} {
			t.Run(transport+"/"+test.name, func(t *testing.T) {
				p := newPushable(t, git.DefaultLimits(), remotes(t)[transport])
				p.repo.Hook(test.hook, test.script)
				err := p.session.Push(t.Context(), mainRef, p.bad, p.made)
				wantReason(t, err, test.reason, test.text)
				if said := err.Error(); len(said) > 1000 || p.secret["password"] != nil && strings.Contains(said, "s3cret") {
					t.Errorf("%d bytes of a message, or the password in it: %s", len(said), said)
				}
				if test.reason == git.ReasonRefused && p.at() != p.bad {
					t.Errorf("main is at %s", p.at())
				}
			})
		}
	}
}

func TestBranchMovedBeforeThePush(t *testing.T) {
	for transport := range remotes(t) {
		t.Run(transport, func(t *testing.T) {
			r := remotes(t)[transport]
			p := newPushable(t, git.DefaultLimits(), r)
			newer := p.repo.CommitAndPush("newer", map[string]string{"b": "1"})
			wantReason(t, p.session.Push(t.Context(), mainRef, p.bad, p.made), git.ReasonMoved, newer)
			if p.at() != newer {
				t.Errorf("main is at %s, want %s", p.at(), newer)
			}
		})
	}
}

// TestPushTwice: what is there already is as it should be, and what another has
// put there stays.
func TestPushTwice(t *testing.T) {
	for transport := range remotes(t) {
		t.Run(transport, func(t *testing.T) {
			r := remotes(t)[transport]
			p := newPushable(t, git.DefaultLimits(), r)
			for range 2 {
				for branch, old := range map[string]string{mainRef: p.bad, "refs/heads/headway/revert/shop": ""} {
					if err := p.session.Push(t.Context(), branch, old, p.made); err != nil {
						t.Fatal(err)
					}
					if got := p.repo.InBare("rev-parse", branch); got != p.made.Hash {
						t.Errorf("%s is at %s, want %s", branch, got, p.made.Hash)
					}
				}
			}
			p.repo.Push("--force", p.bad+":refs/heads/headway/revert/shop")
			wantReason(t, p.session.Push(t.Context(), "refs/heads/headway/revert/shop", "", p.made), git.ReasonMoved, "it is there already, at "+p.bad)
		})
	}
}

func TestNoRightToWrite(t *testing.T) {
	h := gittest.NewHTTP(t)
	h.User, h.Password, h.ReadOnly = "ada", "s3cret", true
	s := gittest.NewSSH(t, h.Root)
	s.ReadOnly = true
	repo := gittest.NewRepo(t, h.Root, "shop.git")
	open := gittest.NewHTTP(t)
	public := gittest.NewRepo(t, open.Root, "public.git")
	chatty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.String(), "receive-pack") {
			w.WriteHeader(http.StatusForbidden)
			_ = r.Header.Write(w)
			return
		}
		proxyTo(t, h.URL).ServeHTTP(w, r)
	}))
	defer chatty.Close()
	ada := map[string][]byte{"username": []byte("ada"), "password": []byte("s3cret")}
	for _, test := range []struct {
		name, text string
		r          remote
	}{
		{"http", "may not write", remote{repo, h.CloneURL(repo), ada}},
		{"ssh", "may not write; it says: ERROR: The key you are authenticating with has been marked as read only.",
			remote{repo, s.CloneURL(repo), map[string][]byte{"identity": s.Identity, "known_hosts": s.KnownHosts}}},
		{"no credentials", "takes no push without credentials, and none are set", remote{public, open.CloneURL(public), nil}},
		{"says what it got", "Authorization: Basic ***", remote{repo, chatty.URL + "/shop.git", ada}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPushable(t, git.DefaultLimits(), test.r)
			wantReason(t, p.session.Push(t.Context(), mainRef, p.bad, p.made), git.ReasonNoWriteAccess, test.text)
			if p.at() != p.bad {
				t.Errorf("main is at %s", p.at())
			}
		})
	}
}

// TestServerHangs: a hook that does not end. The push is given up in time, and
// the branch is where it was.
func TestServerHangs(t *testing.T) {
	for transport := range remotes(t) {
		t.Run(transport, func(t *testing.T) {
			r := remotes(t)[transport]
			limits := git.DefaultLimits()
			limits.PushTimeout = 100 * time.Millisecond
			p := newPushable(t, limits, r)
			release := filepath.Join(p.repo.Bare, "release")
			t.Cleanup(func() { _ = os.WriteFile(release, nil, 0o600) })
			p.repo.Hook("pre-receive", "while [ ! -e "+release+" ]; do sleep 0.02; done; exit 1")
			wantReason(t, p.session.Push(t.Context(), mainRef, p.bad, p.made), v1alpha1.ReasonUnreachable, "did not answer in time")
		})
	}
}

// TestLostAnswer: the server has taken the push, and the connection breaks
// before it says so.
func TestLostAnswer(t *testing.T) {
	r := remotes(t)["http"]
	at, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	backend := proxyTo(t, "http://"+at.Host)
	lossy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "git-receive-pack") {
			backend.ServeHTTP(httptest.NewRecorder(), req)
			panic(http.ErrAbortHandler)
		}
		backend.ServeHTTP(w, req)
	}))
	defer lossy.Close()
	r.url = lossy.URL + at.Path
	p := newPushable(t, git.DefaultLimits(), r)
	if err := p.session.Push(t.Context(), mainRef, p.bad, p.made); err != nil {
		t.Fatal(err)
	}
	if p.at() != p.made.Hash {
		t.Errorf("main is at %s, want %s", p.at(), p.made.Hash)
	}
}

func proxyTo(t *testing.T, base string) http.Handler {
	t.Helper()
	to, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(to)
}

// TestFastForward: a branch goes to a commit of another one if that comes after
// it, whatever is between them, with a server that filters and one that does not.
func TestFastForward(t *testing.T) {
	for transport, r := range remotes(t) {
		for _, filter := range []string{"true", "false"} {
			t.Run(transport+"/filter="+filter, func(t *testing.T) {
				r.repo.InBare("config", "uploadpack.allowFilter", filter)
				r.repo.Git("checkout", "--quiet", "-B", "main")
				old := r.repo.Commit("old", map[string]string{"a": t.Name()})
				r.repo.Push("--force", "HEAD")
				client := git.NewClient(git.DefaultLimits())
				// A branch of a branch, merged, with a file as it was long ago.
				r.repo.Git("checkout", "--quiet", "-B", "beta")
				r.repo.Commit("one", map[string]string{"b": "1"})
				r.repo.Git("checkout", "--quiet", "-B", "side")
				r.repo.Commit("two", map[string]string{"c": "1"})
				r.repo.Git("checkout", "--quiet", "beta")
				r.repo.Commit("three", map[string]string{"b": "2"})
				r.repo.Git("merge", "--quiet", "-m", "merge", "side")
				beta := r.repo.Git("rev-parse", "HEAD")
				r.repo.Push("--force", "beta")
				s := connect(t, client, r)
				cache := fetched(t, client, s, old)
				forward := func(old, to string) error { return s.FastForward(t.Context(), cache, mainRef, old, to) }

				wantReason(t, forward(beta, old), git.ReasonNotFastForward, "main is not fast-forwarded to "+old)
				for range 2 { // the second time there is nothing to do
					if err := forward(old, beta); err != nil {
						t.Fatal(err)
					}
				}
				if got := r.repo.InBare("rev-parse", "main"); got != beta {
					t.Errorf("main is at %s, want %s", got, beta)
				}
				r.repo.Git("checkout", "--quiet", "-B", "main", old)
				aside := r.repo.Commit("aside", map[string]string{"d": "1"})
				r.repo.Push("--force", "HEAD")
				wantReason(t, forward(old, beta), git.ReasonMoved, aside)
				wantReason(t, forward(aside, beta), git.ReasonNotFastForward, "has commits that the other has not")
				if err := forward(aside, strings.Repeat("1", 40)); !errors.Is(err, git.ErrNotAdvertised) {
					t.Errorf("to a commit that there is not: %v", err)
				}
				if got := r.repo.InBare("rev-parse", "main"); got != aside {
					t.Errorf("main is at %s, want %s", got, aside)
				}
				if cache.Has(beta) {
					t.Error("a commit without its files is in the cache")
				}
			})
		}
	}
}

func TestGained(t *testing.T) {
	r := remotes(t)["http"]
	old := r.repo.CommitAndPush("old", map[string]string{"a": "1"})
	r.repo.Commit("one\n\nTrailer: x", map[string]string{"a": strings.Repeat("2", 3000)})
	tip := r.repo.CommitAndPush("two", map[string]string{"a": "3"})
	limits := git.DefaultLimits()
	client := git.NewClient(limits)
	s := connect(t, client, r)
	gained, err := fetched(t, client, s, old).Gained(t.Context(), s, old, tip)
	if err != nil {
		t.Fatal(err)
	}
	if !gained.Descends || len(gained.Messages) != 2 || gained.Messages[tip] != "two\n" || gained.Messages[r.repo.Git("rev-parse", "HEAD~1")] != "one\n\nTrailer: x\n" {
		t.Errorf("gained is %+v", gained)
	}
	if diff := cmp.Diff([]string{old}, gained.Began); diff != "" {
		t.Errorf("began (-want +got)\n%s", diff)
	}
	// A branch that began at the first commit and has taken over the second.
	r.repo.Git("checkout", "--quiet", "-b", "feat", old)
	r.repo.Commit("work", map[string]string{"b": "1"})
	r.repo.Git("merge", "--quiet", "--no-edit", tip+"~1")
	merged := r.repo.CommitAndPush("more", map[string]string{"b": "2"})
	s = connect(t, client, r)
	gained, err = fetched(t, client, s, tip).Gained(t.Context(), s, tip, merged)
	want := []string{old, r.repo.Git("rev-parse", tip+"~1")}
	slices.Sort(want)
	if diff := cmp.Diff(want, gained.Began); err != nil || gained.Descends || diff != "" {
		t.Errorf("%+v, %v; began (-want +got)\n%s", gained, err, diff)
	}
	limits.HistoryBytes = 2000
	client = git.NewClient(limits)
	s = connect(t, client, r)
	_, err = fetched(t, client, s, old).Gained(t.Context(), s, old, tip)
	wantReason(t, err, v1alpha1.ReasonTooLarge, "there is more than 1 KiB between the two commits")
}
