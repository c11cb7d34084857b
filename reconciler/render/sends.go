package render

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// tokensPath is the folder with the tokens for channels: a file for each, by the
	// name that the app knows the channel by.
	tokensPath = "/var/run/secrets/headway/events"
	// tokensVolume is the volume with them.
	tokensVolume = "headway-events"
	// tokenSeconds is how long a token is valid. The kubelet replaces the file when
	// four fifths of it are over.
	tokenSeconds = 3600
	// channelVariable is what the variables with the URLs of channels begin with.
	channelVariable = "HEADWAY_CHANNEL_"
)

// channelURLs are variables that tell the app where the channels are that it sends
// to. Names of channels have no underscores, so that no two become one.
func channelURLs(rev *v1alpha1.Revision) (env []corev1.EnvVar) {
	for _, to := range rev.SendsTo() {
		name := channelVariable + strings.ToUpper(strings.ReplaceAll(to.As, "-", "_"))
		env = append(env, corev1.EnvVar{Name: name, Value: address.Channel(to.Namespace, to.Channel)})
	}
	return env
}

// channelTokens are a token for each channel that the app sends to. Each is good
// for that channel alone: nothing else takes its audience.
func channelTokens(rev *v1alpha1.Revision) (tokens []corev1.VolumeProjection) {
	for _, to := range rev.SendsTo() {
		tokens = append(tokens, token(address.Channel(to.Namespace, to.Channel), to.As))
	}
	return tokens
}

// token is one for an audience, the URL of a channel, in a file.
func token(audience, file string) corev1.VolumeProjection {
	return corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
		Audience: audience, ExpirationSeconds: new(int64(tokenSeconds)), Path: file,
	}}
}

// MountTokens gives the first container of a pod the tokens of a revision, for the
// channels that it sends to.
func MountTokens(pod *corev1.PodSpec, rev *v1alpha1.Revision) { mountTokens(pod, channelTokens(rev)) }

// mountTokens gives the first container of a pod its tokens.
func mountTokens(pod *corev1.PodSpec, tokens []corev1.VolumeProjection) {
	if len(tokens) == 0 {
		return
	}
	pod.Volumes = append(pod.Volumes, corev1.Volume{
		Name: tokensVolume, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: tokens}},
	})
	app := &pod.Containers[0]
	app.VolumeMounts = append(app.VolumeMounts, corev1.VolumeMount{Name: tokensVolume, MountPath: tokensPath, ReadOnly: true})
}
