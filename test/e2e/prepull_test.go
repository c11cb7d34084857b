//go:build e2e

package e2e

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
)

// TestImageArrivesFirst: the node gets the image of a revision that its App
// wants, although no pod of it has ever been there. The revision asks for more
// processors than there are, which stands for one that ran on another node.
func TestImageArrivesFirst(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	digest := tm.pushNewImage()
	const revision = "far-1a2b3c4d"
	tm.create(&v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: revision},
		Spec: v1alpha1.RevisionSpec{
			App: "far", Repository: "far", Ref: "refs/heads/main", Commit: strings.Repeat("1a2b3c4d", 5),
			Source: v1alpha1.CodeSource{Key: "k", Path: ".", SpecHash: "h"},
			Image:  layout.RegistryHost + "/" + tm.imageName() + "@" + digest,
			Runtime: v1alpha1.Runtime{
				Port: 8080, Timeout: metav1.Duration{Duration: time.Minute},
				Resources: v1alpha1.Resources{CPU: "1000"},
				Scale:     v1alpha1.Scale{Max: 1, Concurrency: 1, Idle: metav1.Duration{Duration: time.Minute}},
			},
		},
	})
	eventually(t, soon, "the revision has its image", func() error {
		rev := &v1alpha1.Revision{}
		if err := tm.get(revision, rev); err != nil {
			return err
		}
		if rev.Status.Image == "" {
			return fmt.Errorf("its conditions are %v", rev.Status.Conditions)
		}
		before := rev.DeepCopy()
		rev.Status.EverReady = true // it was, on the other node
		return kube.Status().Patch(t.Context(), rev, client.MergeFrom(before))
	})
	tm.create(&v1alpha1.App{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "far"},
		Spec: v1alpha1.AppSpec{
			Repository: "far", Path: "headway.yaml", ProductionRef: "refs/heads/main",
			Heads: []v1alpha1.Head{{Ref: "refs/heads/main", Commit: strings.Repeat("1a2b3c4d", 5), Revision: revision}},
		},
	})
	eventually(t, soon, "the revision says where its image is", func() error {
		rev := &v1alpha1.Revision{}
		if err := tm.get(revision, rev); err != nil {
			return err
		}
		if rev.Annotations["headway.dev/pulled-on"] == "" {
			return fmt.Errorf("its annotations are %v", rev.Annotations)
		}
		return nil
	})
	eventually(t, soon, "the pod that pulled it is gone, the app's has never run", func() error {
		var pods corev1.PodList
		if err := kube.List(t.Context(), &pods, client.InNamespace(tm.namespace)); err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.Labels[v1alpha1.LabelRevision] != revision || pod.Spec.NodeName != "" {
				return fmt.Errorf("there is %s on node %q, %s", pod.Name, pod.Spec.NodeName, pod.Status.Phase)
			}
		}
		return nil
	})
	tm.startWithoutPulling(layout.RegistryHost + "/" + tm.imageName() + "@" + digest)
}

// startWithoutPulling starts a container of an image that must be on the node.
// There is no program in the image: to miss that one has to have the image.
func (tm *team) startWithoutPulling(image string) {
	tm.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "witness"}}
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	pod.Spec.Containers = []corev1.Container{{
		Name: "witness", Image: image, ImagePullPolicy: corev1.PullNever, Command: []string{"/none"},
	}}
	tm.create(pod)
	eventually(tm.T, soon, "a container of the image is made without a pull", func() error {
		if err := tm.get(pod.Name, pod); err != nil {
			return err
		}
		for _, c := range pod.Status.ContainerStatuses {
			if ended := c.State.Terminated; ended != nil && strings.Contains(ended.Message, "/none") {
				return nil
			}
		}
		return fmt.Errorf("its containers are %v", pod.Status.ContainerStatuses)
	})
}

// imageName is the repository in the registry for the team's own image.
func (tm *team) imageName() string { return "e2e/" + tm.namespace }

// pushNewImage puts an image into the registry that nobody has ever seen, and
// returns its digest.
func (tm *team) pushNewImage() string {
	tm.Helper()
	image, err := random.Image(1024, 1)
	if err != nil {
		tm.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		tm.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	if image, err = mutate.ConfigFile(image, config); err != nil {
		tm.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		tm.Fatal(err)
	}
	tag, err := name.NewTag(layout.RegistryEndpoint+"/"+tm.imageName()+":test", name.Insecure)
	if err != nil {
		tm.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithContext(tm.Context())); err != nil {
		tm.Fatalf("pushing an image: %v", err)
	}
	return digest.String()
}
