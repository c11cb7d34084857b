//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// TestHosts: an app answers at a host of its own once its namespace may have it,
// and a branch at a URL that stays while it moves.
func TestHosts(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	host := tm.namespace + ".example.org"
	code := tm.clone("hello")
	code.edit("headway.yaml", "name: hello", "name: hello\nhosts: ["+host+"]")
	first := code.push("First")
	code.watch("beta")
	tm.waitLive("hello", first)
	if err := tm.at(host, http.StatusNotFound); err != nil {
		t.Errorf("before it is allowed: %v", err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: tm.namespace}}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"*.example.org"}}}`, v1alpha1.AnnotationHosts)
	if err := kube.Patch(t.Context(), ns, client.RawPatch("application/merge-patch+json", patch)); err != nil {
		t.Fatal(err)
	}
	eventually(t, soon, host+" is the app's", func() error { return tm.at(host, http.StatusOK) })

	code.git("checkout", "--quiet", "-b", "beta")
	branch := tm.url("hello-beta")
	for _, greeting := range []string{"Hello from beta", "Hello again from beta"} {
		code.edit("headway.yaml", "name: hello\n", "name: hello\nenv: {GREETING: \""+greeting+"\"}\n")
		commit := code.push(greeting)
		eventually(t, built, branch+" leads to the newest of the branch", func() error {
			app, err := tm.app("hello")
			if err != nil {
				return err
			}
			if len(app.Status.Branches) != 1 || app.Status.Branches[0].Revision != revisionName("hello", commit) {
				return fmt.Errorf("branches %+v", app.Status.Branches)
			}
			return tm.answers(branch, http.StatusOK, revisionName("hello", commit))
		})
		code.edit("headway.yaml", "env: {GREETING: \""+greeting+"\"}\n", "")
	}
	tm.waitLive("hello", first)
}

// at asks the activator for a host that no name server knows.
func (tm *team) at(host string, status int) error {
	request, err := http.NewRequestWithContext(tm.Context(), http.MethodGet, "http://"+host+"/", nil)
	if err != nil {
		return err
	}
	web := localcluster.BrowserAt("127.0.0.1:" + layout.PublicPort)
	defer web.CloseIdleConnections()
	response, err := web.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err
	}
	if response.StatusCode != status {
		return fmt.Errorf("%s answers %s: %s", host, response.Status, body)
	}
	return nil
}

// TestBothNamesOfTheGitServer: a push is seen at once, by whichever of its two
// addresses the git server was named.
func TestBothNamesOfTheGitServer(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	tm.waitPush(code, v1alpha1.RepositorySpec{URL: code.tree.HostURL})
}

// waitPush waits until a push is in the cluster, in far less than the interval of
// 30 seconds.
func (tm *team) waitPush(code *repository, spec v1alpha1.RepositorySpec) {
	tm.Helper()
	first := code.push("First")
	code.watchAs(spec)
	tm.waitLive("static", first)
	code.write("public/again.html", "again\n")
	second := code.push("Second")
	eventually(tm.T, moment, "the push is seen", func() error {
		_, err := tm.revision("static", second)
		return err
	})
}
