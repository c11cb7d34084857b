package revision

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestCacheGoesWithTheRepository: a revision that goes takes the build cache
// along only if its Repository is gone.
func TestCacheGoesWithTheRepository(t *testing.T) {
	repository := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: newRevision(commitA).Spec.Repository}}
	forgotten := func(t *testing.T, createErr error, others ...client.Object) (int, error) {
		rev := newRevision(commitA)
		rev.Finalizers = []string{v1alpha1.FinalizerCleanup}
		now := metav1.Now()
		rev.DeletionTimestamp = &now
		b := newBench(t, append(others, rev)...)
		b.createErr = createErr
		_, err := b.reconcile(rev)
		return len(b.runNames()), err
	}
	if runs, err := forgotten(t, nil, repository); err != nil || runs != 0 {
		t.Errorf("the Repository is there: %d runs, error %v", runs, err)
	}
	now := metav1.Now()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team", DeletionTimestamp: &now, Finalizers: []string{"kubernetes"}}}
	if runs, err := forgotten(t, nil, repository, namespace); err != nil || runs != 1 {
		t.Errorf("the namespace goes, its Repository is still there: %d runs, error %v", runs, err)
	}
	if runs, err := forgotten(t, nil); err != nil || runs != 1 {
		t.Errorf("the Repository is gone: %d runs, error %v", runs, err)
	}
	if _, err := forgotten(t, apierrors.NewAlreadyExists(schema.GroupResource{}, "forget")); err != nil {
		t.Errorf("another revision was first: %v", err)
	}
	if _, err := forgotten(t, apierrors.NewInternalError(errors.New("webhook is away"))); err == nil {
		t.Error("the revision went without its Repository's cache")
	}
}
