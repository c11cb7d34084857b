package revision

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// givenImage makes headway.yaml name the image.
func givenImage(r *v1alpha1.Revision) {
	r.Spec.Build, r.Spec.Image = nil, "registry/apps/given@"+digest
}

func bornNow(r *v1alpha1.Revision) { r.CreationTimestamp = metav1.Now() }

var imageSays = &v1alpha1.ImageConfig{User: "1000", Cmd: []string{"/app"}}

func TestGivenImageIsReadOnce(t *testing.T) {
	away := context.DeadlineExceeded
	for name, tc := range map[string]struct {
		err    error
		change func(*v1alpha1.Revision)
		config *v1alpha1.ImageConfig
		built  string
	}{
		"readable": {nil, bornNow, imageSays, "headway.yaml names the image"},
		"not an image": {errors.New("no manifest"), bornNow, nil,
			"headway.yaml names the image; its configuration cannot be read, so it runs as user 65532: the registry cannot be read"},
		"away for too long": {away, func(*v1alpha1.Revision) {}, nil,
			"headway.yaml names the image; its configuration cannot be read, so it runs as user 65532: the registry did not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			rev := newRevision(commitA, givenImage, tc.change)
			b := newBench(t, rev, newApp(head(rev)))
			b.registry = tc.err
			for range 3 {
				got, built := b.built(rev)
				if diff := cmp.Diff(tc.config, got.Status.ImageConfig); diff != "" || built != condition.True(v1alpha1.ReasonImageProvided, tc.built) {
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

// TestGivenImageWaitsForItsRegistry: what is read once and for good is not
// settled by a registry that is away for a moment.
func TestGivenImageWaitsForItsRegistry(t *testing.T) {
	for name, tc := range map[string]struct {
		back time.Duration // when the registry answers again
		want *v1alpha1.ImageConfig
		took time.Duration
	}{
		"soon":      {12 * time.Second, imageSays, 15 * time.Second},
		"at last":   {59 * time.Second, imageSays, time.Minute},
		"not so":    {61 * time.Second, nil, time.Minute},
		"right now": {0, imageSays, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rev := newRevision(commitA, givenImage, bornNow)
				b := newBench(t, rev, newApp(head(rev)))
				began := time.Now()
				for {
					b.registry = context.DeadlineExceeded
					if time.Since(began) >= tc.back {
						b.registry = nil
					}
					result, err := b.reconcile(rev)
					if err != nil {
						t.Fatal(err)
					}
					got, built := b.get(rev)
					if got.Status.Image != "" {
						if diff := cmp.Diff(tc.want, got.Status.ImageConfig); diff != "" || time.Since(began) != tc.took {
							t.Errorf("after %v, config (-want +got):\n%s", time.Since(began), diff)
						}
						return
					}
					want := condition.Unknown(v1alpha1.ReasonQueued, "cannot read the image yet: the registry did not answer in time; trying again")
					if built != want || result.RequeueAfter != 5*time.Second {
						t.Fatalf("Built = %+v, again in %v", built, result.RequeueAfter)
					}
					time.Sleep(result.RequeueAfter)
				}
			})
		})
	}
}
