package pipelines

import (
	"crypto/sha256"
	"encoding/hex"
	"path"

	podtemplate "github.com/tektoncd/pipeline/pkg/apis/pipeline/pod"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// forgetTask is the Task that removes a build cache. It is installed beside
// the templates and takes the whole volume, so it is none of them.
const forgetTask = "headway-forget-cache"

// ForgetRunFor renders the run that removes the build cache of a Repository
// that is gone. Equal arguments give runs of one name.
func ForgetRunFor(namespace, repository, buildNamespace string) *TaskRun {
	folder := path.Join(namespace, repository)
	hash := sha256.Sum256([]byte(folder))
	return &TaskRun{
		TypeMeta: metav1.TypeMeta{APIVersion: tektonv1.SchemeGroupVersion.String(), Kind: "TaskRun"},
		ObjectMeta: metav1.ObjectMeta{
			Name:      "forget-" + hex.EncodeToString(hash[:8]),
			Namespace: buildNamespace,
			Labels: map[string]string{
				v1alpha1.LabelManagedBy:   v1alpha1.ManagedBy,
				v1alpha1.LabelForgetCache: "true",
				v1alpha1.LabelNamespace:   namespace,
				v1alpha1.LabelRepository:  repository,
			},
		},
		Spec: tektonv1.TaskRunSpec{
			TaskRef: &tektonv1.TaskRef{Name: forgetTask, Kind: tektonv1.NamespacedTaskKind},
			Params:  tektonv1.Params{{Name: "folder", Value: *tektonv1.NewStructuredValues(folder)}},
			Workspaces: []tektonv1.WorkspaceBinding{{
				Name:                  "caches",
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: cacheClaim},
			}},
			ServiceAccountName: ServiceAccount,
			Timeout:            &metav1.Duration{Duration: Timeout},
			PodTemplate:        &podtemplate.PodTemplate{AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false)},
		},
	}
}
