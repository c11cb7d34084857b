package preview

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

const ref = "refs/heads/preview/login"

var commit, older = strings.Repeat("2", 40), strings.Repeat("1", 40)

func repository(state v1alpha1.RequestState, at, message string, previews ...string) *v1alpha1.Repository {
	r := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "mono"}}
	r.Status.Requests = []v1alpha1.RequestStatus{{Ref: ref, Commit: at, State: state, Message: message, Previews: previews}}
	return r
}

// app is a preview at a commit; live is the revision that serves.
func app(of, at, live string) v1alpha1.App {
	name := of + "-br-preview-login"
	return v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: v1alpha1.AppSpec{Repository: "mono", ProductionRef: ref, Heads: []v1alpha1.Head{{Ref: ref, Commit: at, Revision: name + "-" + at[:8]}},
			Preview: &v1alpha1.Preview{App: of}},
		Status: v1alpha1.AppStatus{Live: live, URL: "https://" + name + ".example.com"}}
}

func TestProgress(t *testing.T) {
	failed := v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop-br-preview-login-22222222"}, Spec: v1alpha1.RevisionSpec{App: "shop-br-preview-login"},
		Status: v1alpha1.RevisionStatus{Conditions: []metav1.Condition{{Type: v1alpha1.ConditionBuilt, Status: "False", Reason: v1alpha1.ReasonBuildFailed, Message: "no"}}}}
	building := *failed.DeepCopy()
	building.Status.Conditions[0].Status, building.Status.Conditions[0].Reason = "Unknown", v1alpha1.ReasonBuilding
	shop, site := "shop-br-preview-login", "site-br-preview-login"
	stale := app("shop", commit, "")
	stale.Generation = 2
	for _, tc := range []struct {
		name      string
		r         *v1alpha1.Repository
		apps      []v1alpha1.App
		revisions []v1alpha1.Revision
		want      progress
	}{
		{"not seen yet", repository(v1alpha1.RequestPreviewed, older, ""), nil, nil, progress{text: "waiting for the next look at repository mono; headway repo sync mono makes one at once"}},
		{"no place", repository(v1alpha1.RequestWaiting, commit, "waiting for a place"), nil, nil, progress{text: "waiting for a place"}},
		{"nothing to preview", repository(v1alpha1.RequestUntouched, commit, "it changes no app"), nil, nil, progress{failed: "preview/login has no preview (Untouched): it changes no app"}},
		{"made in a moment", repository(v1alpha1.RequestPreviewed, commit, "", shop), nil, nil, progress{}},
		{"building", repository(v1alpha1.RequestPreviewed, commit, "", shop), []v1alpha1.App{app("shop", commit, "")}, []v1alpha1.Revision{building}, progress{text: shop + ": Building"}},
		{"another commit serves", repository(v1alpha1.RequestPreviewed, commit, "", shop), []v1alpha1.App{app("shop", commit, shop+"-11111111")}, []v1alpha1.Revision{building}, progress{text: shop + ": Pending"}},
		{"one of two serves", repository(v1alpha1.RequestPreviewed, commit, "", shop, site), []v1alpha1.App{app("shop", commit, shop+"-22222222"), app("site", commit, "")}, nil, progress{text: site + ": Pending"}},
		{"one of two is not there", repository(v1alpha1.RequestPreviewed, commit, "", shop, site), []v1alpha1.App{app("shop", commit, shop+"-22222222")}, nil, progress{}},
		{"serves", repository(v1alpha1.RequestPreviewed, commit, "", shop), []v1alpha1.App{app("shop", commit, shop+"-22222222"), app("blog", commit, "")}, nil, progress{urls: []string{"https://" + shop + ".example.com"}}},
		{"failed", repository(v1alpha1.RequestPreviewed, commit, "", shop), []v1alpha1.App{app("shop", commit, "")}, []v1alpha1.Revision{failed},
			progress{text: shop + ": BuildFailed", failed: "revision shop-br-preview-login-22222222: BuildFailed: no\npush a commit that mends it or, if the source is not at fault, headway retry shop-br-preview-login-22222222"}},
		{"an older one has failed", repository(v1alpha1.RequestPreviewed, commit, "", shop), []v1alpha1.App{stale}, []v1alpha1.Revision{failed}, progress{text: shop + ": BuildFailed"}},
	} {
		if diff := cmp.Diff(tc.want, progressOf(tc.r, tc.apps, tc.revisions, ref, commit), cmp.AllowUnexported(progress{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
	}
}

// TestFollow: what happens is told once each, then the URL; a preview that does
// not come ends at the timeout.
func TestFollow(t *testing.T) {
	for name, tc := range map[string]struct {
		serves            time.Duration
		out, said, failed string
	}{
		"comes":   {5 * time.Second, "https://shop-br-preview-login.example.com\n", "shop-br-preview-login: Pending\n", ""},
		"is late": {time.Hour, "", "shop-br-preview-login: Pending\n", "preview/login has no preview after 1m0s (last: shop-br-preview-login: Pending); headway previews shows what follows"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				waits, serves := app("shop", commit, ""), app("shop", commit, "shop-br-preview-login-22222222")
				r := repository(v1alpha1.RequestPreviewed, commit, "", waits.Name)
				c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(r).WithInterceptorFuncs(interceptor.Funcs{
					List: func(ctx context.Context, under client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
						if apps, is := list.(*v1alpha1.AppList); is {
							apps.Items = []v1alpha1.App{waits}
							if time.Since(began) >= tc.serves {
								apps.Items = []v1alpha1.App{serves}
							}
							return nil
						}
						return under.List(ctx, list, opts...)
					}}).Build()
				l := &seen{cluster: &cli.Cluster{Client: c, Namespace: "default"}, repository: r}
				var out, said bytes.Buffer
				err := l.follow(t.Context(), cli.Streams{Out: &out, Err: &said}, ref, commit, time.Minute)
				if text := errorText(err); text != tc.failed || out.String() != tc.out || said.String() != tc.said {
					t.Errorf("error %q, out %q, said %q", text, &out, &said)
				}
			})
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
