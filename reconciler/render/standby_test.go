package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var (
	park    = Park{Image: "registry/headway/park:1", PublicKey: "cHVibGljIGtleQ=="}
	command = &v1alpha1.ImageConfig{User: "1000", Entrypoint: []string{"/app", "--price=$(PORT)"}, Cmd: []string{"$5", "serve"}}
)

func renderStandby(t *testing.T, rev *v1alpha1.Revision, replicas int32) (main, standby *appsv1.Deployment) {
	t.Helper()
	main, err := Deployment(rev, "registry/apps/team/hello@"+digest, command, "")
	if err != nil {
		t.Fatal(err)
	}
	return main, Standby(main, rev, command, park, replicas)
}

func TestStandbyGolden(t *testing.T) {
	rev := newRevision(func(r *v1alpha1.Revision) {
		r.Spec.Health = &v1alpha1.Health{Path: "/healthz"}
		r.Spec.Env = []v1alpha1.EnvVar{{Name: v1alpha1.EnvParkKey, Value: "of another"}, {Name: "LOG", Value: "info"}}
	})
	main, standby := renderStandby(t, rev, 2)
	golden(t, "standby.yaml", standby)

	again, err := Deployment(rev, "registry/apps/team/hello@"+digest, command, "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(again, main); diff != "" {
		t.Errorf("rendering the standby has changed the main Deployment:\n%s", diff)
	}
}

func TestStandbyUpToDate(t *testing.T) {
	rev := newRevision()
	for name, tc := range map[string]struct {
		change func(live *appsv1.Deployment)
		want   bool
	}{
		"nothing":             {func(*appsv1.Deployment) {}, true},
		"scaled by hand":      {func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(5)) }, false},
		"key changed by hand": {func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Env = nil }, false},
	} {
		for _, replicas := range []int32{0, 1} {
			_, wanted := renderStandby(t, rev, replicas)
			live := wanted.DeepCopy()
			tc.change(live)
			if got := UpToDate(live, wanted); got != tc.want {
				t.Errorf("%s, with %d replicas: up to date = %v, want %v", name, replicas, got, tc.want)
			}
		}
	}
	if _, wanted := renderStandby(t, rev, 1); UpToDate(nil, wanted) {
		t.Error("a missing Deployment counts as up to date")
	}
}
