package diagnose

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// newRevision is a revision of the app hello.
func newRevision(change ...func(*v1alpha1.Revision)) *v1alpha1.Revision {
	rev := &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Name: "hello-aaaaaaaa", Namespace: "team", UID: "uid-1"},
		Spec: v1alpha1.RevisionSpec{
			App: "hello", Repository: "shop", Commit: "aaaaaaaa11111111111111111111111111111111",
			Build:   &v1alpha1.Build{Template: "go"},
			Runtime: v1alpha1.Runtime{Port: 8080, Timeout: metav1.Duration{Duration: time.Minute}, Scale: v1alpha1.Scale{Max: 20}},
		},
	}
	for _, f := range change {
		f(rev)
	}
	return rev
}
