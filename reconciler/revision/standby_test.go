package revision

import (
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/render"
)

var (
	park    = render.Park{Image: "registry/headway/park:1", PublicKey: "cHVibGljIGtleQ=="}
	command = &v1alpha1.ImageConfig{User: "1000", Entrypoint: []string{"/app", "--price=$(PORT)"}, Cmd: []string{"$5", "serve"}}
)

// sleeping is a revision in traffic that has no pod and wants a parked one.
func sleeping(t *testing.T) (*bench, *v1alpha1.Revision) {
	t.Helper()
	rev := newRevision(commitA, givenImage, func(r *v1alpha1.Revision) {
		r.Spec.Scale.Standby = 1
		r.Status.EverReady = true
	})
	asleep, err := render.Deployment(rev, rev.Spec.Image, command, "")
	if err != nil {
		t.Fatal(err)
	}
	asleep.Spec.Replicas = new(int32(0))
	b := newBench(t, rev, appWith(rev, live), asleep)
	b.Park = park
	return b, rev
}

func (b *bench) ready(rev *v1alpha1.Revision) condition.State {
	b.t.Helper()
	var got v1alpha1.Revision
	if err := b.Client.Get(b.t.Context(), client.ObjectKeyFromObject(rev), &got); err != nil {
		b.t.Fatal(err)
	}
	return condition.Get(got.Status.Conditions, v1alpha1.ConditionReady)
}

func TestStandbyIsMadeAndDropped(t *testing.T) {
	b, rev := sleeping(t)
	key := client.ObjectKey{Namespace: "team", Name: v1alpha1.StandbyName(rev.Name)}
	b.built(rev)
	var standby appsv1.Deployment
	if err := b.Client.Get(t.Context(), key, &standby); err != nil || *standby.Spec.Replicas != 1 {
		t.Fatalf("standby %+v, %v", standby.Spec.Replicas, err)
	}
	b.Park = render.Park{}
	b.built(rev)
	if err := b.Client.Get(t.Context(), key, &standby); !apierrors.IsNotFound(err) {
		t.Errorf("the standby is still there: %v", err)
	}
}

// TestStandbyIsRefused: what the cluster has against parked pods must not look
// like a revision that cannot run.
func TestStandbyIsRefused(t *testing.T) {
	b, rev := sleeping(t)
	b.applyErr = map[string]error{v1alpha1.StandbyName(rev.Name): apierrors.NewForbidden(
		schema.GroupResource{Resource: "deployments"}, "x", errors.New("no image volumes here"))}
	for range 2 {
		result, err := b.reconcile(rev)
		if err != nil || result.RequeueAfter != time.Minute {
			t.Fatalf("again in %v, error %v", result.RequeueAfter, err)
		}
		got, _ := b.get(rev)
		if ready := b.ready(rev); ready.Status != metav1.ConditionTrue || !strings.HasPrefix(got.Status.Standby.Problem, "Kubernetes refuses it: ") ||
			!strings.HasSuffix(got.Status.Standby.Problem, "no image volumes here") {
			t.Errorf("Ready = %+v, standby %+v", ready, got.Status.Standby)
		}
	}
	b.applyErr = nil
	if _, err := b.reconcile(rev); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.get(rev); got.Status.Standby.Problem != "" {
		t.Errorf("standby %+v", got.Status.Standby)
	}
}

// TestStandbyIsHeldUp: while the API server cannot make parked pods, the rest of
// the status is told all the same.
func TestStandbyIsHeldUp(t *testing.T) {
	b, rev := sleeping(t)
	away := apierrors.NewInternalError(errors.New("the webhook is away"))
	b.applyErr = map[string]error{v1alpha1.StandbyName(rev.Name): away}
	if _, err := b.reconcile(rev); !errors.Is(err, away) {
		t.Errorf("error %v", err)
	}
	got, _ := b.get(rev)
	if ready := b.ready(rev); got.Status.Image != rev.Spec.Image || ready.Reason != v1alpha1.ReasonIdle || ready.Message != "no pod runs; a request starts one" {
		t.Errorf("image %q, Ready = %+v", got.Status.Image, ready)
	}
}
