//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// quiet is how long nothing must happen, where nothing may happen.
const quiet = 5 * time.Second

// TestFork: a request from a fork gets nothing at all before somebody who may
// write has approved the very commit; the next push needs that anew.
func TestFork(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	code.write("headway.yaml", withPreviews("preview: true"))
	code.watchForge()
	tm.waitLive("static", code.push("Production"))
	alone, runs := tm.left(), len(tm.runs(""))
	guest := code.fork()

	first := code.pushAs("guest", "door", func() { code.write(page, "a guest's door\n") })
	fetches := code.fetches()
	number := code.open(guest, guest.User+":door", "A guest's door")
	code.waitState(number, first, v1alpha1.RequestApproval, "/headway approve "+first[:8])
	code.say(guest, number, "/headway approve "+first) // who may not write
	code.wantNothingHappens(number, first, runs, fetches)
	if request, err := code.request(number); err != nil || !request.Fork {
		t.Errorf("it is not taken for a fork: %+v, %v", request, err)
	}
	code.waitStatus(first, "headway/preview", "pending")

	code.say(code.owner, number, "fine with me\n/headway approve "+first[:8])
	preview := code.waitPreview(number, first, "a guest's door")
	code.waitTold(number, first, preview)
	second := code.pushAs("guest", "door", func() { code.write(page, "a guest's second door\n") })
	runs, fetches = len(tm.runs("")), code.fetches()
	code.waitState(number, second, v1alpha1.RequestApproval, second[:8])
	code.wantNothingHappens(number, second, runs, fetches)
	code.approve(code.owner, number, second)
	code.waitPreview(number, second, "a guest's second door")
	code.setState(number, "closed")
	code.waitGone(number, preview.Status.URL, alone)

	// What is merged was not built by production: it is built now.
	code.setState(number, "open")
	image := tm.mustRevision(code.waitPreview(number, second, "second door").Name, second).Status.Image
	merged := code.merge(number, "merge")
	tm.waitLive("static", merged)
	if got := tm.mustRevision("static", merged).Status.Image; repositoryOf(got) == repositoryOf(image) {
		t.Errorf("production has the image of a fork's build: %s", got)
	}
}

// TestAGit: a request that is pushed to refs/for/main by somebody who may only
// read looks to the API like one of the repository's own, and is a fork's.
func TestAGit(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	code.write("headway.yaml", withPreviews("preview: true"))
	code.watchForge()
	tm.waitLive("static", code.push("Production"))
	runs := len(tm.runs(""))
	guest := tm.newUser(code.admin, tm.namespace+"-guest")
	code.addRemote("guest", guest, code.name)
	commit := code.commitOn("agit", func() { code.write(page, "agit\n") })
	code.git("push", "--quiet", "guest", "agit:refs/for/main", "-o", "topic=agit", "-o", "title=Through AGit")
	const number = 1
	code.waitState(number, commit, v1alpha1.RequestApproval)
	code.wantNothingHappens(number, commit, runs, code.fetches())
	code.approve(code.owner, number, commit)
	code.waitPreview(number, commit, "agit")
}

// TestForkAsksForTooMuch: an approved fork gets no more rights by what its
// headway.yaml says, and is told which line is in the way.
func TestForkAsksForTooMuch(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	tm.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "production"}, StringData: map[string]string{"key": "swordfish"},
	})
	base := withPreviews("preview: true")
	code.write("headway.yaml", base)
	code.watchForge()
	main := code.push("Production")
	tm.waitLive("static", main)
	runs := len(tm.runs(""))
	guest := code.fork()
	type ask struct {
		branch, spec string
		words        []string
		number       int64
		commit       string
	}
	asks := []*ask{
		{branch: "secret", spec: "env: {STOLEN: secret://production/key}\n", words: []string{"headway.yaml:4:", "secret://production/key is not for previews"}},
		{branch: "template", spec: "build: {with: dockerfile}\n", words: []string{"headway.yaml:4:", "is built as production is, which has the template static"}},
		{branch: "release", spec: "release: {\"door*\": {weight: 50}}\n", words: []string{"headway.yaml:4:", "may not have other rules of release"}},
	}
	for _, a := range asks {
		a.commit = code.pushAs("guest", a.branch, func() {
			code.write(page, a.branch+"\n")
			code.write("Dockerfile", "FROM scratch\nCOPY . /\n")
			code.write("headway.yaml", base+a.spec)
		})
		a.number = code.open(guest, guest.User+":"+a.branch, "Give me "+a.branch)
		code.approve(code.owner, a.number, a.commit)
	}
	for _, a := range asks {
		code.waitState(a.number, a.commit, v1alpha1.RequestInvalid, a.words...)
		code.waitStatus(a.commit, "headway/spec", "failure")
		if err := code.noPreview(a.number); err != nil {
			t.Error(err)
		}
	}
	if now := len(tm.runs("")); now > runs {
		t.Errorf("%d builds of what is refused", now-runs)
	}

	// Hosts count for nothing: the request has its preview, production and its
	// traffic are as they were.
	commit := code.pushAs("guest", "hosts", func() {
		code.write(page, "hosts\n")
		code.write("headway.yaml", base+"hosts: [static.example.com]\n")
	})
	number := code.open(guest, guest.User+":hosts", "Give me a host")
	code.approve(code.owner, number, commit)
	code.waitPreview(number, commit, "hosts")
	app := tm.waitLive("static", main)
	if err := want("the traffic", app.Status.TrafficSummary, "100% "+main[:8]); err != nil {
		t.Error(err)
	}
}

// fork makes a user who may only read, and that user's fork, which is the remote
// "guest" of the work tree.
func (f *forge) fork() *localcluster.Gitea {
	f.Helper()
	guest := f.newUser(f.admin, f.namespace+"-guest")
	f.call(guest, http.MethodPost, f.path("forks"), map[string]any{}, nil)
	f.addRemote("guest", guest, guest.User+"/"+repositoryName)
	return guest
}

func (f *forge) addRemote(remote string, user *localcluster.Gitea, name string) {
	f.Helper()
	if err := f.tree.AddRemote(f.Context(), remote, user.Remote(name)); err != nil {
		f.Fatal(err)
	}
}

// commitOn makes a branch with one commit on top of main, pushes nothing, and
// goes back to main.
func (f *forge) commitOn(branch string, change func()) string {
	f.Helper()
	f.git("checkout", "--quiet", "-B", branch, mainBranch)
	change()
	if err := f.tree.Commit(f.Context(), "On "+branch); err != nil {
		f.Fatal(err)
	}
	commit := f.git("rev-parse", "HEAD")
	f.git("checkout", "--quiet", mainBranch)
	return commit
}

// pushAs is commitOn, pushed to a remote.
func (f *forge) pushAs(remote, branch string, change func()) string {
	f.Helper()
	commit := f.commitOn(branch, change)
	f.git("push", "--quiet", "--force", remote, branch)
	f.Logf("pushed %s to %s of %s", commit[:8], branch, remote)
	return commit
}

// fetches is how often somebody but the test has fetched commits from the
// repository: a look at the refs is none.
func (f *forge) fetches() (count int) {
	f.Helper()
	places, err := layout.New()
	if err != nil {
		f.Fatal(err)
	}
	log, err := os.ReadFile(places.Log("gitea"))
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, `"POST /`+f.name+`.git/git-upload-pack `) && !strings.Contains(line, `"git/`) {
			count++
		}
	}
	return count
}

// wantNothingHappens fails unless a request waits as it does, without a fetch, a
// build, or a pod.
func (f *forge) wantNothingHappens(number int64, commit string, runs, fetches int) {
	f.Helper()
	time.Sleep(quiet)
	f.waitState(number, commit, v1alpha1.RequestApproval)
	if now := len(f.runs("")); now > runs {
		f.Errorf("%d builds before the approval", now-runs)
	}
	if now := f.fetches(); now > fetches {
		f.Errorf("%d fetches before the approval", now-fetches)
	}
	for _, name := range f.left() {
		if strings.Contains(name, commit[:8]) {
			f.Errorf("there is %s before the approval", name)
		}
	}
}

// waitStatus waits until the forge shows a status beside a commit.
func (f *forge) waitStatus(commit, context, state string) {
	f.Helper()
	eventually(f.T, soon, fmt.Sprintf("%s of %s is %s", context, commit[:8], state), func() error {
		statuses := f.statuses(commit)
		if got := statuses[context]; got.State != state {
			return fmt.Errorf("the statuses are %+v", statuses)
		}
		return nil
	})
}

// repositoryOf an image reference.
func repositoryOf(image string) string {
	repository, _, _ := strings.Cut(image, "@")
	return repository
}
