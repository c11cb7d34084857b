package change

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	typedfake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func app(name, live string) *v1alpha1.App {
	return &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Status: v1alpha1.AppStatus{Live: live}}
}

func TestRestart(t *testing.T) {
	typed := typedfake.NewClientset()
	typed.PrependReactor("create", "selfsubjectreviews", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{
			UserInfo: authenticationv1.UserInfo{Username: "ada@example.com"}}}, nil
	})
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(app("shop", "shop-1a2b3c4d"), app("waiting", "")).Build(), Typed: typed, Namespace: "default"}
	for name, want := range map[string]string{
		"shop":    "",
		"waiting": "no revision of waiting serves, so there is nothing to restart; headway status waiting says why",
		"shpo":    "there is no app shpo in namespace default; headway status shows those there are",
	} {
		who, err := restart(context.Background(), c, name, noon)
		if want != "" {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", name, err, want)
			}
			continue
		}
		if err != nil || who != "ada@example.com" {
			t.Fatalf("%q, %v", who, err)
		}
		var app v1alpha1.App
		if err := c.Get(context.Background(), client.ObjectKey{Namespace: "default", Name: name}, &app); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{
			"headway.dev/restarted-at": "2026-05-04T12:00:00Z", "headway.dev/restarted-by": "ada@example.com",
		}, app.Annotations); diff != "" {
			t.Error(diff)
		}
	}
}
