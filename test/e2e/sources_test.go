//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// caught is an event as testdata/catcher shows it.
type caught struct{ Path, ID, Type, Subject, Region, Data string }

// TestSources: what a container sends that Headway has built, what Kubernetes notes
// about the app's own pods, and what the forge tells by a webhook comes to an app, by
// sources that its headway.yaml declares.
func TestSources(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneToGiteaFrom(filepath.Join("testdata", "catcher"))
	commit := code.push("First")
	code.watchForge()
	tm.waitLive("catcher", commit)
	image := tm.mustRevision("catcher", commit).Status.Image
	tm.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "hook"}, StringData: map[string]string{"key": "s3cret"}})
	code.edit("headway.yaml", "name: catcher\n", `name: catcher
channels: [{name: happened}]
sources:
- {name: sent, container: {image: "`+image+`"}, to: {channel: happened}, extensions: {region: eu}}
- {name: pushes, gitea: {secret: secret://hook/key, events: [push]}, to: {channel: happened}}
- {name: pods, kubernetes: {kinds: [Pod]}, to: /pods}
events: [{from: happened, to: /happened}]
`)
	code.push("Take events")
	tm.waitDelivering("catcher-happened")
	tm.waitDelivering("catcher-pods")
	for _, name := range []string{"sent", "pushes", "catcher-pods"} {
		tm.waitTaking(name)
	}
	hook := &v1alpha1.Source{}
	if err := tm.get("pushes", hook); err != nil {
		t.Fatal(err)
	}
	tm.call(code.owner, http.MethodPost, code.path("hooks"), map[string]any{
		"type": "gitea", "active": true, "events": []string{"push", "create"},
		"config": map[string]string{"url": hook.Status.URL, "content_type": "json", "secret": "s3cret"},
	}, nil)
	pushed := code.pushBranch("other", func() { code.write("note.txt", "one\n") })

	tm.waitCaught("an event of the container, with its extension", func(e caught) bool {
		return e.Path == "/happened" && e.Type == "sent" && e.Region == "eu"
	})
	tm.waitCaught("the push, as the forge tells it", func(e caught) bool {
		return e.Path == "/happened" && e.Type == "com.gitea.push" && strings.Contains(e.Data, pushed)
	})
	tm.waitCaught("an event about a pod of the app", func(e caught) bool {
		return e.Path == "/pods" && e.Type == "dev.headway.kubernetes.event" && strings.HasPrefix(e.Subject, "Pod/catcher-")
	})
	for _, e := range tm.caught() {
		if strings.HasPrefix(e.Type, "com.gitea.") && e.Type != "com.gitea.push" {
			t.Errorf("the source takes pushes alone, and %s has come", e.Type)
		}
	}
}

// waitCaught waits until an event has come to testdata/catcher.
func (tm *team) waitCaught(what string, is func(caught) bool) {
	tm.Helper()
	eventually(tm.T, 2*soon, what, func() error {
		all := tm.caught()
		for _, e := range all {
			if is(e) {
				return nil
			}
		}
		return fmt.Errorf("%d others have come", len(all))
	})
}

// caught asks testdata/catcher what has come.
func (tm *team) caught() (all []caught) {
	tm.Helper()
	answer, err := localcluster.Fetch(tm.Context(), localcluster.Browser(), tm.url("catcher"))
	if err != nil {
		tm.Fatal(err)
	}
	if err := json.Unmarshal([]byte(answer.Body), &all); err != nil {
		tm.Fatalf("testdata/catcher answers %q: %v", answer.Body, err)
	}
	return all
}
