package revision

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/condition"
)

// givenImage makes headway.yaml name the image.
func givenImage(r *v1alpha1.Revision) {
	r.Spec.Build, r.Spec.Image = nil, "registry/apps/given@"+digest
}

func TestGivenImageIsReadOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		config *v1alpha1.ImageConfig
		built  string
	}{
		"readable": {nil, &v1alpha1.ImageConfig{User: "1000", Cmd: []string{"/app"}}, "headway.yaml names the image"},
		"registry is away": {errors.New("no route"), nil,
			"headway.yaml names the image; its configuration cannot be read, so it runs as user 65532: the registry cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			rev := newRevision(commitA, givenImage)
			b := newBench(t, rev, newApp(head(rev)))
			b.registry = tc.err
			for range 3 {
				got, built := b.built(rev)
				if diff := cmp.Diff(tc.config, got.Status.ImageConfig); diff != "" || built != condition.True(v1alpha1.ReasonImageGiven, tc.built) {
					t.Errorf("%+v, config (-want +got):\n%s", built, diff)
				}
				if got.Status.Image != rev.Spec.Image {
					t.Errorf("image %q", got.Status.Image)
				}
			}
			if b.configReads != 1 {
				t.Errorf("the registry was asked %d times", b.configReads)
			}
		})
	}
}
