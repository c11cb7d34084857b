package git_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
	"github.com/headway-dev/headway/watcher/tree"
)

// withSubmodule makes libs/money of the repository the first of two commits of
// lib.git beside it.
func withSubmodule(t *testing.T, root string, repo *gittest.Repo) (lib *gittest.Repo, commit string) {
	t.Helper()
	lib = gittest.NewRepo(t, root, "lib.git")
	first := lib.CommitAndPush("first", map[string]string{"money.go": "package money\n"})
	lib.CommitAndPush("second", map[string]string{"money.go": "package other\n"})
	repo.AddSubmodule("libs/money", "../lib.git", first)
	repo.CommitAndPush("app", map[string]string{"main.go": "package main\n"})
	return lib, first
}

func TestSubmodule(t *testing.T) {
	h := gittest.NewHTTP(t)
	h.User, h.Password = "ada", "s3cret"
	s := gittest.NewSSH(t, h.Root)
	repo := gittest.NewRepo(t, h.Root, "shop.git")
	_, commit := withSubmodule(t, h.Root, repo)
	for name, r := range map[string]remote{
		"http": {repo, h.CloneURL(repo), map[string][]byte{"username": []byte("ada"), "password": []byte("s3cret")}},
		"ssh":  {repo, s.CloneURL(repo), map[string][]byte{"identity": s.Identity, "known_hosts": s.KnownHosts}},
	} {
		t.Run(name, func(t *testing.T) {
			client := git.NewClient(git.DefaultLimits())
			cache, err := client.OpenCache(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			session := connect(t, client, r)
			head := session.Refs()["refs/heads/main"]
			if err := cache.Fetch(t.Context(), session, []string{head}); err != nil {
				t.Fatal(err)
			}
			c, err := cache.Commit(t.Context(), head)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]tree.Submodule{{Path: "libs/money", Commit: commit}}, c.Submodules); diff != "" {
				t.Errorf("submodules (-want +got)\n%s", diff)
			}
			if err := cache.FetchSubmodule(t.Context(), session, "../lib.git", commit); err != nil {
				t.Fatal(err)
			}
			sub, err := cache.Commit(t.Context(), commit)
			if err != nil || cmp.Diff([]string{"money.go"}, names(sub)) != "" {
				t.Fatal(sub, err)
			}
			if content, err := cache.Read(sub.Files[0].Blob, 100); string(content) != "package money\n" {
				t.Errorf("the file is %q, %v", content, err)
			}
			// The next fetch of the repository offers the submodule's commit to
			// a server that does not know it.
			next := repo.CommitAndPush("next", map[string]string{name: "x"})
			if err := cache.Fetch(t.Context(), connect(t, client, r), []string{next}); err != nil {
				t.Errorf("the next fetch: %v", err)
			}
		})
	}
}

// TestSubmoduleURLs: which URLs lead to lib.git, and why others do not.
func TestSubmoduleURLs(t *testing.T) {
	h := gittest.NewHTTP(t)
	h.User, h.Password = "ada", "s3cret"
	repo := gittest.NewRepo(t, h.Root, "shop.git")
	_, commit := withSubmodule(t, h.Root, repo)
	asked := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer other.Close()
	for _, test := range []struct{ url, commit, want string }{
		{"../lib.git", commit, ""},
		{"./../lib.git", commit, ""},
		{h.URL + "/lib.git", commit, ""},
		{"git@127.0.0.1:lib.git", commit, ""},
		{"ssh://git@127.0.0.1/lib.git", commit, ""},
		{"../gone.git", commit, "no such repository"},
		{"../lib.git", strings.Repeat("1", 40), "its repository has no commit 1111"},
		{other.URL + "/lib.git", commit, "submodules are fetched from the server of spec.url alone (127.0.0.1)"},
		{"https://github.com/a/lib.git", commit, "it is on github.com, and submodules are fetched from the server of spec.url alone"},
		{"../..", commit, "leads out of the server"},
		{"/srv/lib.git", commit, "not one of a repository; use a relative one"},
		{"file:///srv/lib.git", commit, "not one of a repository; use a relative one"},
	} {
		t.Run(test.url, func(t *testing.T) {
			client := git.NewClient(git.DefaultLimits())
			cache, err := client.OpenCache(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			session := connect(t, client, remote{repo, h.CloneURL(repo), map[string][]byte{"username": []byte("ada"), "password": []byte("s3cret")}})
			err = cache.FetchSubmodule(t.Context(), session, test.url, test.commit)
			if test.want == "" && (err != nil || !cache.Has(test.commit)) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
	if asked > 0 {
		t.Error("a server that a commit names was asked")
	}
}

func TestModuleURLs(t *testing.T) {
	urls, err := git.ModuleURLs([]byte("[submodule \"money\"]\n\tpath = libs/money/\n\turl = ../lib.git\n\tbranch = main\n[submodule \"out\"]\n\tpath = ../out\n\turl = x\n"))
	if diff := cmp.Diff(map[string]string{"libs/money": "../lib.git"}, urls); diff != "" || err != nil {
		t.Error(diff, err)
	}
	_, err = git.ModuleURLs([]byte("[submodule"))
	wantReason(t, err, v1alpha1.ReasonSourceIncomplete, ".gitmodules cannot be read")
}
