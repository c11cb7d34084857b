package render

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Env is the environment of the app: what the platform tells it, then what
// headway.yaml asks for. The names of the platform cannot be taken over. The
// K_ names are those of Knative's runtime contract, so that images made for it
// run unchanged.
func Env(rev *v1alpha1.Revision) []corev1.EnvVar {
	env := []corev1.EnvVar{
		{Name: "PORT", Value: strconv.Itoa(int(rev.Spec.Port))},
		{Name: "HEADWAY_COMMIT", Value: rev.Spec.Commit},
		{Name: "K_SERVICE", Value: rev.Spec.App},
		{Name: "K_CONFIGURATION", Value: rev.Spec.App},
		{Name: "K_REVISION", Value: rev.Name},
	}
	env = append(env, channelURLs(rev)...)
	taken := map[string]bool{v1alpha1.EnvParkPod: true, v1alpha1.EnvParkKey: true}
	for _, v := range env {
		taken[v.Name] = true
	}
	for _, v := range rev.Spec.Env {
		if !taken[v.Name] {
			env = append(env, envVar(v))
		}
	}
	return env
}

func envVar(v v1alpha1.EnvVar) corev1.EnvVar {
	switch {
	case v.Secret != nil:
		return corev1.EnvVar{Name: v.Name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: v.Secret.Name}, Key: v.Secret.Key,
		}}}
	case v.Config != nil:
		return corev1.EnvVar{Name: v.Name, ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: v.Config.Name}, Key: v.Config.Key,
		}}}
	default:
		return corev1.EnvVar{Name: v.Name, Value: literal(v.Value)}
	}
}

// resourcesFor requests CPU and memory; memory is the limit too, so that one
// app cannot take its neighbours' memory. CPU has no limit: idle CPU is free.
func resourcesFor(r v1alpha1.Resources) (corev1.ResourceRequirements, error) {
	var result corev1.ResourceRequirements
	for _, part := range []struct {
		name  corev1.ResourceName
		value string
	}{{corev1.ResourceCPU, r.CPU}, {corev1.ResourceMemory, r.Memory}} {
		if part.value == "" {
			continue
		}
		quantity, err := resource.ParseQuantity(part.value)
		if err != nil {
			return result, fmt.Errorf("resources.%s: %q is no quantity such as 100m or 128Mi: %w", part.name, part.value, err)
		}
		if result.Requests == nil {
			result.Requests = corev1.ResourceList{}
		}
		result.Requests[part.name] = quantity
		if part.name == corev1.ResourceMemory {
			result.Limits = corev1.ResourceList{part.name: quantity}
		}
	}
	return result, nil
}
