//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// withPreviews is the static example's headway.yaml, with a key of previews.
func withPreviews(key string) string { return "name: static\nhealth: {settle: 10s}\n" + key + "\n" }

// gonePreview is how long the end of a preview may take on a busy machine.
const gonePreview = 30 * time.Second

// TestPullRequest: a request that is opened in the forge gets a URL of its own,
// which follows each push; the forge is told by statuses and one comment. With the
// request all of it goes.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	code.write("headway.yaml", withPreviews("preview: true"))
	main := code.push("Production")
	code.watchForge()
	tm.waitLive("static", main)
	alone := tm.left()

	first := code.pushBranch("door", func() { code.write(page, "a door\n") })
	number := code.open(code.owner, "door", "A door")
	preview := code.waitPreview(number, first, "a door")
	code.waitTold(number, first, preview)
	tm.wantAnswer(tm.url("static"), "Headway") // production is as it was
	if host := strings.TrimPrefix(preview.Status.URL, "http://static-pr-1-"); len(host) < 12 || strings.HasPrefix(host, ".") {
		t.Errorf("the URL %s can be guessed", preview.Status.URL)
	}

	second := code.pushBranch("door", func() { code.write(page, "a red door\n") })
	updated := code.waitPreview(number, second, "a red door")
	if err := want("the URL after a push", updated.Status.URL, preview.Status.URL); err != nil {
		t.Error(err)
	}
	code.waitTold(number, second, updated)

	code.setState(number, "closed")
	code.waitGone(number, preview.Status.URL, alone)
	runs := len(tm.runs(""))
	code.setState(number, "open")
	code.waitPreview(number, second, "a red door")
	if now := len(tm.runs("")); now > runs {
		t.Errorf("opening it again took %d builds", now-runs)
	}
	code.git("push", "--quiet", "origin", "--delete", "door")
	code.waitGone(number, preview.Status.URL, alone)
}

// TestMerge: however a request is merged, production gets the very image that its
// preview had, and nothing is built.
func TestMerge(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	code.write("headway.yaml", withPreviews("preview: true"))
	code.watchForge()
	tm.waitLive("static", code.push("Production"))
	for _, style := range []string{"merge", "rebase", "squash", "fast-forward-only"} {
		text := "merged by " + style
		head := code.pushBranch(style, func() { code.write(page, text+"\n") })
		number := code.open(code.owner, style, text)
		preview := code.waitPreview(number, head, text)
		image := tm.mustRevision(preview.Name, head).Status.Image
		runs := len(tm.runs(""))

		merged := code.merge(number, style)
		tm.waitLive("static", merged)
		tm.wantAnswer(tm.url("static"), text)
		if got := tm.mustRevision("static", merged).Status.Image; digest(got) != digest(image) || digest(got) == "" {
			t.Errorf("%s: production has %s, the preview had %s", style, got, image)
		}
		if now := len(tm.runs("")); now > runs {
			t.Errorf("%s: %d builds after the merge", style, now-runs)
		}
		code.waitNoPreview(number)
	}
}

// TestPreviewWithoutWebhooks: all hints lost comes to the same within a minute.
func TestPreviewWithoutWebhooks(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGitea("static")
	code.write("headway.yaml", withPreviews("preview: true"))
	main := code.push("Production")
	code.watchForgeUnhinted()
	tm.waitLive("static", main)
	alone := tm.left()
	first := code.pushBranch("door", func() { code.write(page, "a door\n") })
	number := code.open(code.owner, "door", "A door")
	eventually(t, time.Minute, "the request is seen", func() error {
		_, err := code.request(number)
		return err
	})
	preview := code.waitPreview(number, first, "a door")
	second := code.pushBranch("door", func() { code.write(page, "a red door\n") })
	eventually(t, time.Minute, "the push is seen", func() error {
		seen, err := code.request(number)
		if err != nil {
			return err
		}
		return want("its commit", seen.Commit, second)
	})
	code.waitPreview(number, second, "a red door")
	code.setState(number, "closed")
	eventually(t, time.Minute, "the preview is gone", func() error { return code.noPreview(number) })
	code.waitGone(number, preview.Status.URL, alone)
}

// request is what Headway says of one.
func (f *forge) request(number int64) (v1alpha1.RequestStatus, error) {
	status, err := f.status()
	if err != nil {
		return v1alpha1.RequestStatus{}, err
	}
	for _, request := range status.Requests {
		if request.Number == number {
			return request, nil
		}
	}
	return v1alpha1.RequestStatus{}, fmt.Errorf("#%d is not among the %d requests", number, len(status.Requests))
}

// waitState waits until a request's commit is in a state, with words of the
// message.
func (f *forge) waitState(number int64, commit string, state v1alpha1.RequestState, words ...string) v1alpha1.RequestStatus {
	f.Helper()
	var seen v1alpha1.RequestStatus
	eventually(f.T, soon, fmt.Sprintf("#%d is %s", number, state), func() (err error) {
		if seen, err = f.request(number); err != nil {
			return err
		}
		if seen.State != state || seen.Commit != commit {
			return fmt.Errorf("%.8s is %s: %s", seen.Commit, seen.State, seen.Message)
		}
		for _, word := range words {
			if !strings.Contains(seen.Message, word) {
				return fmt.Errorf("its message lacks %q: %s", word, seen.Message)
			}
		}
		return nil
	})
	return seen
}

// previewOf names the static example's preview.
func previewOf(number int64) string { return fmt.Sprintf("static-pr-%d", number) }

// waitPreview waits until a request's preview serves a commit, and answers with a
// text.
func (f *forge) waitPreview(number int64, commit, text string) *v1alpha1.App {
	f.Helper()
	app := f.waitLive(previewOf(number), commit)
	// It may sleep, and wakes beside others.
	eventually(f.T, soon, fmt.Sprintf("the preview of #%d answers %q", number, text), func() error {
		return f.answers(app.Status.URL, http.StatusOK, text)
	})
	return app
}

// besideProduction is the line of a comment with the size of an image and the time
// of its start, next to production's.
var besideProduction = regexp.MustCompile("(?m)^Image of `static`: [0-9.]+ [kM]B \\(.*production.*\\), starts (within|in about) [0-9]+s \\(.*production.*\\)\\.$")

// waitTold waits until the forge shows that a preview is ready: by a status with
// its URL, one with the build, and exactly one comment, which compares it with
// production.
func (f *forge) waitTold(number int64, commit string, preview *v1alpha1.App) {
	f.Helper()
	eventually(f.T, soon, "the forge is told of "+commit[:8], func() error {
		statuses := f.statuses(commit)
		if got := statuses["headway/preview/static"]; strings.TrimSuffix(got.URL, "/") != preview.Status.URL {
			return fmt.Errorf("the statuses are %+v", statuses)
		}
		for _, context := range []string{"headway/build/static", "headway/preview/static"} {
			if statuses[context].State != "success" {
				return fmt.Errorf("the statuses are %+v", statuses)
			}
		}
		for _, status := range statuses {
			if status.State != "success" { // the forge would not let it be merged
				return fmt.Errorf("the statuses are %+v", statuses)
			}
		}
		comments := f.comments(number)
		if len(comments) != 1 || !strings.Contains(comments[0], preview.Status.URL) || !strings.Contains(comments[0], commit[:8]) {
			return fmt.Errorf("the comments are %q", comments)
		}
		if !besideProduction.MatchString(comments[0]) {
			return fmt.Errorf("the comment does not compare the preview with production: %q", comments[0])
		}
		f.Logf("#%d: %s", number, besideProduction.FindString(comments[0]))
		return nil
	})
}

// noPreview is an error while the App of a request's preview is there.
func (f *forge) noPreview(number int64) error {
	switch _, err := f.app(previewOf(number)); {
	case err == nil:
		return fmt.Errorf("%s is still there", previewOf(number))
	case !apierrors.IsNotFound(err):
		return err
	}
	return nil
}

func (f *forge) waitNoPreview(number int64) {
	f.Helper()
	eventually(f.T, gonePreview, fmt.Sprintf("the preview of #%d is gone", number), func() error { return f.noPreview(number) })
}

// waitGone waits until a preview is gone: its URL says 404, and of all objects in
// the cluster only those are there that were before.
func (f *forge) waitGone(number int64, url string, before []string) {
	f.Helper()
	f.waitNoPreview(number)
	eventually(f.T, time.Minute, "nothing is left of it", func() error {
		extra := slices.DeleteFunc(f.left(), func(name string) bool {
			// Pods of production come and go.
			return slices.Contains(before, name) || strings.HasPrefix(name, "*v1.Pod ") && !strings.Contains(name, "-pr-")
		})
		if len(extra) > 0 {
			return fmt.Errorf("left: %s", strings.Join(extra, ", "))
		}
		return f.answers(url, http.StatusNotFound, "")
	})
}

// digest of an image reference.
func digest(image string) string {
	_, digest, _ := strings.Cut(image, "@")
	return digest
}
