package render

import (
	"fmt"
	"maps"
	"math"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// parkVolume is the volume with the program of parked pods.
const parkVolume = "headway-park"

// Park is what parked pods are made with. The zero value makes none: a revision
// that asks for a standby runs without one and says so.
type Park struct {
	// Image holds the program that waits in the place of the application.
	Image string
	// PublicKey is the Ed25519 key, in base64, that wake calls are checked
	// with.
	PublicKey string
}

// Standby renders the Deployment of a revision's parked pods out of its
// main one, so that a woken pod is what any other pod is. The number of pods
// is ours: what is woken leaves the Deployment and is replaced.
func Standby(main *appsv1.Deployment, rev *v1alpha1.Revision, config *v1alpha1.ImageConfig, park Park, replicas int32) *appsv1.Deployment {
	standby := main.DeepCopy()
	standby.Name = v1alpha1.StandbyName(main.Name)
	spec := &standby.Spec
	spec.Replicas = &replicas
	spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
	// A parked pod is never ready, so there is no progress to wait for. This
	// value is Kubernetes' for not waiting.
	spec.ProgressDeadlineSeconds = new(int32(math.MaxInt32))
	spec.Selector = &metav1.LabelSelector{MatchLabels: parkedLabels(main.Spec.Selector.MatchLabels)}
	spec.Template.Labels = parkedLabels(main.Spec.Template.Labels)
	spec.Template.Spec.Volumes = append(spec.Template.Spec.Volumes, corev1.Volume{
		Name: parkVolume,
		VolumeSource: corev1.VolumeSource{
			Image: &corev1.ImageVolumeSource{Reference: park.Image, PullPolicy: corev1.PullIfNotPresent},
		},
	})
	parkIn(&spec.Template.Spec.Containers[0], Command(rev, config), park)
	stamp(standby)
	return standby
}

func parkedLabels(of map[string]string) map[string]string {
	labels := maps.Clone(of)
	labels[v1alpha1.LabelStandby] = v1alpha1.StandbyParked
	return labels
}

// parkIn puts the waiting program in the place of the application, whose
// command becomes its arguments.
func parkIn(c *corev1.Container, command []string, park Park) {
	c.Command, c.Args = []string{v1alpha1.ParkProgram}, command
	c.Env = append(c.Env,
		corev1.EnvVar{Name: v1alpha1.EnvParkPod, ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.uid"},
		}},
		corev1.EnvVar{Name: v1alpha1.EnvParkKey, Value: park.PublicKey},
	)
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: parkVolume, MountPath: v1alpha1.ParkPath, ReadOnly: true})
	// The startup check would end a container that waits. Without one, the
	// readiness check alone tells when the woken application answers.
	c.StartupProbe = nil
}

// CannotPark says why a revision can have no standby; empty if it can.
func CannotPark(rev *v1alpha1.Revision, park Park, config *v1alpha1.ImageConfig) string {
	switch {
	case park.Image == "":
		return "the controller runs without --park-image"
	case rev.Spec.Port == v1alpha1.ParkPort:
		return fmt.Sprintf("parked pods wait for their call on port %d, which is the app's; choose another", v1alpha1.ParkPort)
	case len(Command(rev, config)) > 0:
		return ""
	case config == nil:
		return "the command of the image is not known; command in headway.yaml can name it"
	}
	return NoCommand
}
