package pipelines

import (
	"slices"

	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fetchesModules reports whether a step is there for private modules: it is the
// one that sees their credentials.
func fetchesModules(step tektonv1.Step) bool {
	return slices.ContainsFunc(step.Workspaces, func(w tektonv1.WorkspaceUsage) bool { return w.Name == WorkspaceModules })
}

func modulesSecret(run string) string { return run + "-modules" }

// UsesModules reports whether the run waits for the Secret of ModulesSecretFor.
func UsesModules(run *TaskRun) bool {
	return slices.ContainsFunc(run.Spec.Workspaces, func(w tektonv1.WorkspaceBinding) bool { return w.Name == WorkspaceModules })
}

// ModulesSecretFor renders the Secret with the credentials for private modules
// that one run uses. It goes with the run.
func ModulesSecretFor(run *TaskRun, netrc []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: modulesSecret(run.Name), Namespace: run.Namespace, Labels: run.Labels,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: tektonv1.SchemeGroupVersion.String(), Kind: "TaskRun", Name: run.Name, UID: run.UID,
			}},
		},
		Data: map[string][]byte{".netrc": netrc},
	}
}
