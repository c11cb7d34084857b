package pipelines

import (
	"crypto/sha256"
	"encoding/hex"

	podtemplate "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// forgetTask is the Task that removes a build cache, evictTask the one that keeps
// all of them within bounds. They are installed beside the templates and take the
// whole volume, so they are none of them.
const (
	forgetTask  = "headway-forget-cache"
	evictTask   = "headway-evict-caches"
	paramFolder = "folder"
)

// Forgets is the folder that a run of ForgetRunFor removes.
func Forgets(run *TaskRun) string {
	for _, param := range run.Spec.Params {
		if param.Name == paramFolder {
			return param.Value.StringVal
		}
	}
	return ""
}

// ForgetRunFor renders the run that removes the build cache of a revision, whose
// Repository is gone, or the preview of a fork. Equal folders give runs of one
// name.
func ForgetRunFor(revision *v1alpha1.Revision, buildNamespace string) *TaskRun {
	folder := CacheFolder(revision)
	hash := sha256.Sum256([]byte(folder))
	run := cachesRun(buildNamespace, "forget-"+hex.EncodeToString(hash[:8]), forgetTask)
	run.Labels[v1alpha1.LabelForgetCache] = "true"
	run.Labels[v1alpha1.LabelNamespace] = revision.Namespace
	run.Labels[v1alpha1.LabelRepository] = revision.Spec.Repository
	run.Spec.Params = tektonv1.Params{{Name: paramFolder, Value: *tektonv1.NewStructuredValues(folder)}}
	return run
}

// EvictRun is the name of the run of EvictRunFor.
const EvictRun = "evict-caches"

// EvictRunFor renders the run that keeps build caches within bounds. There is one
// at a time.
func EvictRunFor(buildNamespace string) *TaskRun {
	run := cachesRun(buildNamespace, EvictRun, evictTask)
	run.Labels[v1alpha1.LabelEvictCaches] = "true"
	return run
}

// cachesRun is a run that has the whole volume of caches.
func cachesRun(namespace, name, task string) *TaskRun {
	return &TaskRun{
		TypeMeta: metav1.TypeMeta{APIVersion: tektonv1.SchemeGroupVersion.String(), Kind: "TaskRun"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: namespace,
			Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		},
		Spec: tektonv1.TaskRunSpec{
			TaskRef: &tektonv1.TaskRef{Name: task, Kind: tektonv1.NamespacedTaskKind},
			Workspaces: []tektonv1.WorkspaceBinding{{
				Name:                  "caches",
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: cacheClaim},
			}},
			ServiceAccountName: ServiceAccount,
			Timeout:            &metav1.Duration{Duration: Timeout},
			PodTemplate: &podtemplate.PodTemplate{
				AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false), PriorityClassName: new(PriorityClass),
			},
		},
	}
}
