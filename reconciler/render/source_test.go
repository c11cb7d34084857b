package render

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestSourceDeploymentGolden(t *testing.T) {
	const sink = "http://headway-events.headway-system/team/news"
	source := &v1alpha1.Source{
		ObjectMeta: metav1.ObjectMeta{Name: "feed", Namespace: "team", UID: "uid-1"},
		Spec:       v1alpha1.SourceSpec{Channel: "news", Container: &v1alpha1.ContainerSource{Image: "registry/feed:1"}},
	}
	golden(t, "source-plain.yaml", SourceDeployment(source, sink, ""))

	source.Spec.Extensions = map[string]v1alpha1.EventAttribute{"region": "eu", "price": "$(K_SINK)"}
	source.Spec.Container.Command, source.Spec.Container.Args = []string{"/feed"}, []string{"--to=$(K_SINK)"}
	source.Spec.Container.Env = []v1alpha1.EnvVar{
		{Name: "K_SINK", Value: "http://elsewhere"},
		{Name: "TOKEN", Secret: &v1alpha1.KeyRef{Name: "feed", Key: "token"}},
		{Name: "FLAGS", Config: &v1alpha1.KeyRef{Name: "flags", Key: "all"}},
		{Name: "PRICE", Value: "$(K_SINK)"},
	}
	golden(t, "source-full.yaml", SourceDeployment(source, sink, "0123456789abcdef"))

	source.Spec.Paused = true
	if got := *SourceDeployment(source, sink, "").Spec.Replicas; got != 0 {
		t.Errorf("%d pods while it is paused", got)
	}
}

// TestSourceUpToDate: what the API server adds changes nothing, what somebody else
// changes does.
func TestSourceUpToDate(t *testing.T) {
	source := &v1alpha1.Source{
		ObjectMeta: metav1.ObjectMeta{Name: "feed", Namespace: "team", UID: "uid-1"},
		Spec:       v1alpha1.SourceSpec{Channel: "news", Container: &v1alpha1.ContainerSource{Image: "registry/feed:1"}},
	}
	wanted := SourceDeployment(source, "http://x/team/news", "")
	live := wanted.DeepCopy()
	live.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyAlways
	if !UpToDate(live, wanted) {
		t.Error("a default of the API server is a difference")
	}
	live.Spec.Replicas = new(int32(2))
	if UpToDate(live, wanted) {
		t.Error("a second pod is none")
	}
	source.Spec.Paused = true
	if UpToDate(wanted, SourceDeployment(source, "http://x/team/news", "")) {
		t.Error("a pause is none")
	}
}
