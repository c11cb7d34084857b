// Package render makes the Deployments of a revision: that of its pods, and that
// of its parked pods; and that of a container source.
//
// It is pure, and the whole of what Headway asks Kubernetes for, except the number
// of pods. It neither applies anything nor decides when to.
package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// NonRoot runs images that name no user of their own, or none that
	// Kubernetes can tell from root. It is the "nonroot" of distroless images.
	NonRoot = int64(65532)
	// StartLimit is how long an app may take until it answers for the first
	// time; then it is started again.
	StartLimit = 120 * time.Second
	// ProgressLimit is when Kubernetes gives up on a Deployment.
	ProgressLimit = 10 * time.Minute
	// drainDelay keeps a draining pod's app running until every activator has
	// stopped sending it requests.
	drainDelay = 2 * time.Second
	// maxGrace bounds terminationGracePeriodSeconds.
	maxGrace = time.Hour
	// annotationRendered is the hash of what was applied, so that a newer
	// Headway that renders less than the older one is noticed.
	annotationRendered = "headway.dev/rendered"
)

// Deployment renders the Deployment of a built revision. It is the whole of
// what Headway asks for, except the number of pods, which is the autoscaler's;
// the API server's defaults, among them one pod to begin with, are not in it.
// The mark is of what pods are started with; see markOf.
func Deployment(rev *v1alpha1.Revision, image string, config *v1alpha1.ImageConfig, mark string) (*appsv1.Deployment, error) {
	container, err := containerFor(rev, image)
	if err != nil {
		return nil, err
	}
	selector := map[string]string{v1alpha1.LabelApp: rev.Spec.App, v1alpha1.LabelRevision: rev.Name}
	deployment := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Name: rev.Name, Namespace: rev.Namespace,
			Labels:          labelsFor(rev),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rev, v1alpha1.GroupVersion.WithKind("Revision"))},
		},
		Spec: appsv1.DeploymentSpec{
			RevisionHistoryLimit:    new(int32(0)),
			ProgressDeadlineSeconds: new(int32(ProgressLimit.Seconds())),
			Selector:                &metav1.LabelSelector{MatchLabels: selector},
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: new(intstr.FromInt32(0)), MaxSurge: new(intstr.FromInt32(1)),
				},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labelsFor(rev)},
				Spec: corev1.PodSpec{
					Containers:                   []corev1.Container{container},
					AutomountServiceAccountToken: new(false),
					EnableServiceLinks:           new(false),
					// Requests in flight finish after the activators have turned away.
					TerminationGracePeriodSeconds: new(int64(min(rev.Spec.Timeout.Duration+drainDelay+3*time.Second, maxGrace).Seconds())),
					SecurityContext:               PodSecurity(config),
					TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
						MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
						LabelSelector: &metav1.LabelSelector{MatchLabels: selector},
					}},
				},
			},
		},
	}
	MountTokens(&deployment.Spec.Template.Spec, rev)
	if mark != "" {
		deployment.Spec.Template.Annotations = map[string]string{v1alpha1.AnnotationStartedWith: mark}
	}
	stamp(deployment)
	return deployment, nil
}

// stamp notes what was rendered on the Deployment itself; see UpToDate.
func stamp(d *appsv1.Deployment) {
	spec, _ := json.Marshal(d.Spec) // cannot fail: plain values
	hash := sha256.Sum256(spec)
	d.Annotations = map[string]string{annotationRendered: hex.EncodeToString(hash[:8])}
}

// UpToDate reports whether a live Deployment is what we would apply: nothing of
// ours was changed by hand, and it was rendered by the same rules. What others
// add, such as a sidecar of a mesh, is theirs, and so is the number of pods that
// wanted leaves open.
func UpToDate(live, wanted *appsv1.Deployment) bool {
	return live != nil &&
		live.Annotations[annotationRendered] == wanted.Annotations[annotationRendered] &&
		equality.Semantic.DeepDerivative(wanted.Labels, live.Labels) &&
		equality.Semantic.DeepDerivative(wanted.Spec, live.Spec)
}

func labelsFor(rev *v1alpha1.Revision) map[string]string {
	return map[string]string{
		v1alpha1.LabelManagedBy:  v1alpha1.ManagedBy,
		v1alpha1.LabelRepository: rev.Spec.Repository,
		v1alpha1.LabelApp:        rev.Spec.App,
		v1alpha1.LabelRevision:   rev.Name,
	}
}

func containerFor(rev *v1alpha1.Revision, image string) (corev1.Container, error) {
	resources, err := resourcesFor(rev.Spec.Resources)
	if err != nil {
		return corev1.Container{}, err
	}
	return corev1.Container{
		Name:      v1alpha1.AppContainer,
		Image:     image,
		Command:   rev.Spec.Command,
		Args:      rev.Spec.Args,
		Ports:     []corev1.ContainerPort{{Name: "http", ContainerPort: rev.Spec.Port, Protocol: corev1.ProtocolTCP}},
		Env:       Env(rev),
		Resources: resources,
		// The startup check alone may end a container: an app that hangs
		// while it starts is started again. Later a failing check only takes
		// the pod out of traffic.
		StartupProbe:   probeFor(rev, int32(StartLimit.Seconds())),
		ReadinessProbe: probeFor(rev, 3),
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
			Sleep: &corev1.SleepAction{Seconds: int64(drainDelay.Seconds())},
		}},
		SecurityContext: ContainerSecurity(),
		// The end of the log of a container that failed travels in the pod's
		// status, so a crash can be explained without reading logs.
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}, nil
}

// probeFor checks each second whether the app can take requests.
func probeFor(rev *v1alpha1.Revision, failures int32) *corev1.Probe {
	probe := &corev1.Probe{PeriodSeconds: 1, TimeoutSeconds: 2, SuccessThreshold: 1, FailureThreshold: failures}
	port := intstr.FromInt32(rev.Spec.Port)
	if path := rev.Spec.HealthPath(); path != "" {
		probe.HTTPGet = &corev1.HTTPGetAction{Path: path, Port: port, Scheme: corev1.URISchemeHTTP}
	} else {
		probe.TCPSocket = &corev1.TCPSocketAction{Port: port}
	}
	return probe
}

// ContainerSecurity takes all rights from a container that can be taken.
func ContainerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

// PodSecurity refuses root. An image that names a numeric user keeps it; any
// other runs as NonRoot, because Kubernetes cannot tell that a name is not
// root's.
func PodSecurity(config *v1alpha1.ImageConfig) *corev1.PodSecurityContext {
	security := &corev1.PodSecurityContext{
		RunAsNonRoot:   new(true),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if config != nil {
		user, group, _ := strings.Cut(config.User, ":")
		if id, err := strconv.ParseInt(user, 10, 64); err == nil && id > 0 {
			// The kubelet takes the user from the image and leaves the group;
			// a pod that names a group must name the user, too.
			if gid, err := strconv.ParseInt(group, 10, 64); err == nil && gid >= 0 {
				security.RunAsUser, security.RunAsGroup = &id, &gid
			}
			return security
		}
	}
	security.RunAsUser, security.RunAsGroup = new(NonRoot), new(NonRoot)
	return security
}
