package status

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// preview is an App that is one of shop's.
func preview(name string, number int64, ref string, change func(*v1alpha1.App)) *v1alpha1.App {
	return app("default", name, func(a *v1alpha1.App) {
		a.Spec.Path, a.Spec.ProductionRef = "services/shop/headway.yaml", ref
		a.Spec.Heads = []v1alpha1.Head{{Ref: ref, Commit: strings.Repeat("1a2b3c4d", 5), Revision: name + "-1a2b3c4d"}}
		a.Spec.Preview = &v1alpha1.Preview{App: "shop", Request: number, Host: name + "-0123456789ab"}
		a.Status.URL = "http://" + name + "-0123456789ab.localhost:8080"
		if change != nil {
			change(a)
		}
	})
}

func requested(number int64, ref string, state v1alpha1.RequestState, title, message string, previews ...string) v1alpha1.RequestStatus {
	return v1alpha1.RequestStatus{Number: number, Ref: ref, Commit: strings.Repeat("1a2b3c4d", 5), State: state, Title: title, Message: message,
		Author: "ada", Pushed: metav1.NewTime(noon.Add(-time.Hour)), Previews: previews}
}

// previewed are a repository with an app and requests of all kinds.
func previewed() client.Reader {
	expires := metav1.NewTime(noon.Add(70 * time.Hour))
	return fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(
		&v1alpha1.Repository{ObjectMeta: named("default", "mono", ago(time.Hour)), Status: v1alpha1.RepositoryStatus{
			Conditions: conditions(condition("Ready", "True", v1alpha1.ReasonSynced, "")),
			Requests: []v1alpha1.RequestStatus{
				requested(14, "refs/heads/more", v1alpha1.RequestWaiting, "More", "waiting for a place: 10 of 10 previews are taken"),
				requested(13, "refs/pull/13/head", v1alpha1.RequestApproval, "Clear \x1b[2J your screen \u202eneercs", `waiting for the approval of 1a2b3c4d by somebody who may write: comment "/headway approve 1a2b3c4d"`),
				requested(12, "refs/heads/count", v1alpha1.RequestPreviewed, "Count the orders", "", "shop-pr-12"),
				requested(11, "refs/heads/docs", v1alpha1.RequestUntouched, "Say more", ""),
				requested(0, "refs/heads/feat/login", v1alpha1.RequestPreviewed, "", "", "shop-br-feat-login"),
			}}},
		app("default", "shop", nil),
		preview("shop-pr-12", 12, "refs/heads/count", func(a *v1alpha1.App) {
			a.Spec.Preview.URL, a.Spec.Preview.Expires = "https://git.example.com/mono/pulls/12", &expires
			a.Spec.Preview.Unset = []string{"DB_PASSWORD"}
			a.Spec.Preview.Reduced = []v1alpha1.Reduction{{Key: "resources.memory", Asked: "4Gi", Given: "256Mi"}}
		}),
		preview("shop-br-feat-login", 0, "refs/heads/feat/login", func(a *v1alpha1.App) {
			a.Status = v1alpha1.AppStatus{Conditions: conditions(condition("Ready", "Unknown", v1alpha1.ReasonWaiting, ""))}
		}),
		revision("default", "shop", "1a2b3c4d", time.Hour, nil),
		revision("default", "shop-pr-12", "1a2b3c4d", time.Hour, nil),
		revision("default", "shop-br-feat-login", "1a2b3c4d", time.Minute, func(r *v1alpha1.Revision) {
			r.Status = v1alpha1.RevisionStatus{Conditions: conditions(condition("Built", "False", v1alpha1.ReasonBuildFailed, `step "build" failed`))}
		}),
	).Build()
}

func TestPreviews(t *testing.T) {
	c := previewed()
	for file, v := range map[string]view{
		"previews.golden":         {namespace: "default"},
		"previews_all.golden":     {},
		"previews_app.golden":     {namespace: "default", app: "shop"},
		"previews_nothing.golden": {namespace: "elsewhere"},
	} {
		t.Run(file, func(t *testing.T) {
			found, err := readPreviews(context.Background(), c, v.namespace, v.app)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			v.now = noon
			found.write(&b, v)
			golden(t, file, b.String())
		})
	}
	if _, err := readPreviews(context.Background(), c, "default", "shpo"); err == nil || err.Error() != "there is no app shpo in namespace default, but shop; headway previews shows those of requests" {
		t.Errorf("error = %v", err)
	}
}

// TestPreviewsJSON checks what scripts rely on: a list that is never null, and
// states as words.
func TestPreviewsJSON(t *testing.T) {
	for namespace, want := range map[string]string{"default": "Waiting Approval Live Untouched BuildFailed", "elsewhere": ""} {
		found, err := readPreviews(context.Background(), previewed(), namespace, "")
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := cli.Output("json").Print(&b, found, nil); err != nil {
			t.Fatal(err)
		}
		var got struct{ Previews []struct{ State string } }
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Previews == nil {
			t.Fatalf("%v: %s", err, &b)
		}
		var states []string
		for _, p := range got.Previews {
			states = append(states, p.State)
		}
		if strings.Join(states, " ") != want {
			t.Errorf("states %q, want %q", states, want)
		}
	}
}

// TestStatusWithPreviews: they are no apps of an overview, and apps where they are
// asked for.
func TestStatusWithPreviews(t *testing.T) {
	c := previewed()
	for file, v := range map[string]view{
		"status_beside_previews.golden": {namespace: "default"},
		"status_with_previews.golden":   {namespace: "default", app: "shop"},
		"status_preview.golden":         {namespace: "default", app: "shop-pr-12"},
	} {
		t.Run(file, func(t *testing.T) {
			s, err := readState(context.Background(), c, v.namespace, v.app)
			if err != nil {
				t.Fatal(err)
			}
			v.now = noon
			golden(t, file, rendered(s, v))
		})
	}
}

func TestWhyPreview(t *testing.T) {
	for question, want := range map[string]string{
		"shop-pr-12": "shop-pr-12-1a2b3c4d",
		"shop-pr-13": "#13 has no preview: Approval",
	} {
		a, err := why(context.Background(), previewed(), "default", question, noon)
		if err != nil || !strings.HasPrefix(a.Text, want) {
			t.Errorf("%s: %v, %v; want %q", question, a, err, want)
		}
	}
}
