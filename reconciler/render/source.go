package render

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// SourceMemory is how much the container of a source may use.
	SourceMemory = "512Mi"
	// SourceSteady is for how many seconds it must have run to count as running.
	SourceSteady = 5
)

// SourceName is the name of the Deployment of a container source.
func SourceName(source string) string { return "source-" + source }

// SourceDeployment renders the Deployment of a container source, which sends to the
// URL of its channel: one pod, or none while it is paused, and never two at a
// time. The mark is that of what pods are started with.
//
// K_SINK and K_CE_OVERRIDES are those of Knative's sink binding, so that images
// made for it run unchanged.
func SourceDeployment(source *v1alpha1.Source, sink, mark string) *appsv1.Deployment {
	labels := map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelSource: source.Name}
	spec, replicas := source.Spec.Container, int32(1)
	if source.Spec.Paused {
		replicas = 0
	}
	pod := corev1.PodSpec{
		Containers: []corev1.Container{{
			Name: v1alpha1.AppContainer, Image: spec.Image, Command: spec.Command, Args: spec.Args,
			Env: sourceEnv(source, sink),
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(SourceMemory)},
			},
			SecurityContext:          ContainerSecurity(),
			TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		}},
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(false),
		SecurityContext:              PodSecurity(nil),
	}
	mountTokens(&pod, []corev1.VolumeProjection{token(sink, source.Spec.Channel)})
	deployment := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Name: SourceName(source.Name), Namespace: source.Namespace, Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(source, v1alpha1.GroupVersion.WithKind("Source"))},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas:                &replicas,
			MinReadySeconds:         SourceSteady,
			RevisionHistoryLimit:    new(int32(0)),
			ProgressDeadlineSeconds: new(int32(ProgressLimit.Seconds())),
			Selector:                &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.LabelSource: source.Name}},
			Strategy:                appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template:                corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod},
		},
	}
	if mark != "" {
		deployment.Spec.Template.Annotations = map[string]string{v1alpha1.AnnotationStartedWith: mark}
	}
	stamp(deployment)
	return deployment
}

// sourceEnv is the environment of a container source. The names of the platform
// cannot be taken over.
func sourceEnv(source *v1alpha1.Source, sink string) []corev1.EnvVar {
	env := []corev1.EnvVar{{Name: "K_SINK", Value: literal(sink)}}
	if len(source.Spec.Extensions) > 0 {
		overrides, _ := json.Marshal(map[string]any{"extensions": source.Spec.Extensions}) // cannot fail: strings
		env = append(env, corev1.EnvVar{Name: "K_CE_OVERRIDES", Value: literal(string(overrides))})
	}
	for _, v := range source.Spec.Container.Env {
		if v.Name != "K_SINK" && v.Name != "K_CE_OVERRIDES" {
			env = append(env, envVar(v))
		}
	}
	return env
}
