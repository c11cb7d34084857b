//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
)

// meter is the image of testdata/meter; the first test that needs it builds it.
var meter struct {
	sync.Mutex
	image string
}

func meterImage(t *testing.T) string {
	t.Helper()
	meter.Lock()
	defer meter.Unlock()
	if meter.image == "" {
		tm := newTeam(t)
		code := tm.cloneFrom(filepath.Join("testdata", "meter"))
		commit := code.push("First")
		code.watch()
		tm.waitLive("meter", commit)
		meter.image = tm.publish(tm.mustRevision("meter", commit).Status.Image)
	}
	return meter.image
}

// publish copies an image that was built for the team to where any namespace may
// read it, and returns its new name.
func (tm *team) publish(image string) string {
	tm.Helper()
	built, err := name.NewDigest(strings.Replace(image, layout.RegistryHost, layout.RegistryEndpoint, 1), name.Insecure)
	if err != nil {
		tm.Fatal(err)
	}
	content, err := remote.Image(built, remote.WithContext(tm.Context()))
	if err != nil {
		tm.Fatalf("reading image %s: %v", built, err)
	}
	tag, err := name.NewTag(layout.RegistryEndpoint+"/"+tm.imageName()+":test", name.Insecure)
	if err != nil {
		tm.Fatal(err)
	}
	if err := remote.Write(tag, content, remote.WithContext(tm.Context())); err != nil {
		tm.Fatalf("writing image %s: %v", tag, err)
	}
	return layout.RegistryHost + "/" + tm.imageName() + "@" + built.DigestStr()
}

// startMeter runs meter with the given scale section and returns its revision.
func (tm *team) startMeter(scale string) string {
	tm.Helper()
	_, revision := tm.startMeterAs("scale: " + scale)
	return revision
}

// startMeterAs runs meter with further lines of headway.yaml.
func (tm *team) startMeterAs(lines string) (*repository, string) {
	tm.Helper()
	code := tm.cloneFrom(filepath.Join("testdata", "meter"))
	code.write("headway.yaml", meterSpec(tm.T, "meter", lines))
	commit := code.push("First")
	code.watch()
	tm.waitLive("meter", commit)
	return code, revisionName("meter", commit)
}

// meterSpec is a headway.yaml that runs meter's image.
func meterSpec(t *testing.T, name, lines string) string {
	t.Helper()
	return fmt.Sprintf("name: %s\nimage: %s\n%s\n", name, meterImage(t), lines)
}

// podsOf are the pods of a revision that are not on their way out.
func (tm *team) podsOf(revision string) (running, ready []corev1.Pod) {
	tm.Helper()
	var list corev1.PodList
	err := kube.List(tm.Context(), &list, client.InNamespace(tm.namespace), client.MatchingLabels{v1alpha1.LabelRevision: revision})
	if err != nil {
		tm.Fatalf("listing pods: %v", err)
	}
	for _, pod := range list.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		running = append(running, pod)
		if isReady(&pod) {
			ready = append(ready, pod)
		}
	}
	return running, ready
}

func isReady(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// waitReady waits until a revision has at least so many ready pods.
func (tm *team) waitReady(revision string, count int) {
	tm.Helper()
	eventually(tm.T, built, fmt.Sprintf("%d pods of %s are ready", count, revision), func() error {
		if _, ready := tm.podsOf(revision); len(ready) < count {
			return fmt.Errorf("%d are ready", len(ready))
		}
		return nil
	})
}

// waitAsleep waits until a revision has no pods, and says so.
func (tm *team) waitAsleep(revision string) {
	tm.Helper()
	eventually(tm.T, cleanedUp, revision+" sleeps", func() error {
		deployment := &appsv1.Deployment{}
		if err := tm.get(revision, deployment); err != nil {
			return err
		}
		if err := want("spec.replicas", *deployment.Spec.Replicas, 0); err != nil {
			return err
		}
		var pods corev1.PodList // also those that are leaving
		if err := kube.List(tm.Context(), &pods, client.InNamespace(tm.namespace), client.MatchingLabels{v1alpha1.LabelRevision: revision}); err != nil {
			return err
		}
		if err := want("the number of pods", len(pods.Items), 0); err != nil {
			return err
		}
		seen := &v1alpha1.Revision{}
		if err := tm.get(revision, seen); err != nil {
			return err
		}
		return condition(seen.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonIdle)
	})
}
