package pipelines

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	podtemplate "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines/contract"
)

// cacheClaim holds the build caches of all repositories, one folder each.
const cacheClaim = "headway-build-cache"

// Timeout is the longest time a build may take, waiting for a node included.
const Timeout = 15 * time.Minute

// Input is what a TaskRun is made from.
type Input struct {
	// Revision to build.
	Revision *v1alpha1.Revision
	// Template that builds it.
	Template Template
	// Key is the content key of the build.
	Key string
	// SourceURL is where the source artifact is fetched.
	SourceURL string
	// Image is the repository:tag to push.
	Image string
	// Namespace of the TaskRun: the build namespace.
	Namespace string
	// RegistrySecret is a Secret in the build namespace with the key
	// .dockerconfigjson. Empty: the registry needs no credentials.
	RegistrySecret string
	// PrivateModules are the patterns of spec.modules of the Repository, whose
	// credentials the run gets by ModulesSecretFor. Empty: the build has none.
	PrivateModules []string
}

// TaskRunFor renders the TaskRun. The arguments must have passed CheckArgs.
func TaskRunFor(in Input) *TaskRun {
	spec := in.Template.Spec.DeepCopy()
	if len(in.PrivateModules) == 0 {
		spec.Steps = slices.DeleteFunc(spec.Steps, fetchesModules)
	}
	return &TaskRun{
		TypeMeta: metav1.TypeMeta{APIVersion: tektonv1.SchemeGroupVersion.String(), Kind: "TaskRun"},
		ObjectMeta: metav1.ObjectMeta{
			Name:      RunName(in.Revision.BuildApp(), in.Key),
			Namespace: in.Namespace,
			Labels: map[string]string{
				v1alpha1.LabelManagedBy:  v1alpha1.ManagedBy,
				v1alpha1.LabelNamespace:  in.Revision.Namespace,
				v1alpha1.LabelRepository: in.Revision.Spec.Repository,
				v1alpha1.LabelApp:        in.Revision.BuildApp(),
				v1alpha1.LabelRevision:   in.Revision.Name,
				v1alpha1.LabelBuildKey:   KeyLabel(in.Key),
			},
		},
		Spec: tektonv1.TaskRunSpec{
			TaskSpec:           spec,
			Params:             params(in),
			Workspaces:         workspaces(in),
			ServiceAccountName: ServiceAccount,
			Timeout:            &metav1.Duration{Duration: Timeout},
			PodTemplate: &podtemplate.PodTemplate{
				AutomountServiceAccountToken: new(false),
				EnableServiceLinks:           new(false),
				PriorityClassName:            new(PriorityClass),
				SecurityContext: &corev1.PodSecurityContext{
					SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				},
			},
		},
	}
}

// params gives the declared parameters their values; those with a default that
// build.args does not name are left to Tekton.
func params(in Input) tektonv1.Params {
	given := map[string]string{
		contract.ParamSourceURL:    in.SourceURL,
		contract.ParamSourceDigest: in.Revision.Spec.Source.Digest,
		contract.ParamPath:         in.Revision.Spec.Source.Path,
		contract.ParamImage:        in.Image,

		contract.ParamPrivateModules: strings.Join(in.PrivateModules, ","),
	}
	maps.Copy(given, argsOf(in.Revision))
	var result tektonv1.Params
	for _, declared := range in.Template.Spec.Params {
		if value, ok := given[declared.Name]; ok {
			result = append(result, tektonv1.Param{Name: declared.Name, Value: *tektonv1.NewStructuredValues(value)})
		}
	}
	return result
}

// workspaces binds the declared workspaces.
func workspaces(in Input) []tektonv1.WorkspaceBinding {
	var bindings []tektonv1.WorkspaceBinding
	for _, declared := range in.Template.Spec.Workspaces {
		binding := tektonv1.WorkspaceBinding{Name: declared.Name}
		switch {
		case declared.Name == WorkspaceCache:
			binding.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: cacheClaim}
			binding.SubPath = CacheFolder(in.Revision)
		case declared.Name == WorkspaceSource:
			binding.EmptyDir = &corev1.EmptyDirVolumeSource{}
		case declared.Name == WorkspaceRegistry && in.RegistrySecret != "":
			binding.Secret = &corev1.SecretVolumeSource{SecretName: in.RegistrySecret}
		case declared.Name == WorkspaceModules && len(in.PrivateModules) > 0:
			binding.Secret = &corev1.SecretVolumeSource{SecretName: modulesSecret(RunName(in.Revision.BuildApp(), in.Key))}
		default:
			continue
		}
		bindings = append(bindings, binding)
	}
	return bindings
}

// CacheFolder is the folder of the builds' cache on their volume. There is one
// per Repository, so that no repository reads or poisons another's, and one per
// preview of a fork, whose name no Repository can have.
func CacheFolder(revision *v1alpha1.Revision) string {
	if revision.FromFork() {
		return path.Join(revision.Namespace, "~"+revision.Spec.App)
	}
	return path.Join(revision.Namespace, revision.Spec.Repository)
}

// Cancel asks Tekton to stop the run and says whether that was news: false for
// a run that is done or was cancelled before. The caller writes the object.
func Cancel(run *TaskRun) bool {
	if run.IsDone() || run.IsCancelled() {
		return false
	}
	run.Spec.Status = tektonv1.TaskRunSpecStatusCancelled
	run.Spec.StatusMessage = "A newer commit replaced the one that it built."
	return true
}
