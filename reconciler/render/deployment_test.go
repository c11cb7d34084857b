package render

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestDeploymentGolden(t *testing.T) {
	full := newRevision(func(r *v1alpha1.Revision) {
		r.Spec.Port = 9000
		r.Spec.Args = []string{"-addr=:$(PORT)"}
		r.Spec.Timeout.Duration = time.Hour
		r.Spec.Scale.Min = 3
		r.Spec.Health = &v1alpha1.Health{Path: "/healthz"}
		r.Spec.Resources = v1alpha1.Resources{CPU: "100m", Memory: "128Mi"}
		r.Spec.Env = []v1alpha1.EnvVar{
			{Name: "DB", Secret: &v1alpha1.KeyRef{Name: "shop-db", Key: "url"}},
			{Name: "FLAGS", Config: &v1alpha1.KeyRef{Name: "flags", Key: "all"}},
			{Name: "PORT", Value: "1"},
			{Name: "PRICE", Value: "$(PORT) is $$5"},
		}
	})
	sends := newRevision(func(r *v1alpha1.Revision) {
		r.Spec.Sends = []string{"new-orders", "billing/invoices"}
		r.Spec.Env = []v1alpha1.EnvVar{{Name: "HEADWAY_CHANNEL_NEW_ORDERS", Value: "http://elsewhere"}}
	})
	preview := newRevision(func(r *v1alpha1.Revision) {
		r.Spec.Sends = sends.Spec.Sends
		r.Spec.Preview = &v1alpha1.BuiltFor{App: "hello", ChannelSuffix: "-pr-7"}
	})
	for name, tc := range map[string]struct {
		rev    *v1alpha1.Revision
		config *v1alpha1.ImageConfig
		mark   string
	}{
		"sends":         {sends, nil, ""},
		"sends-preview": {preview, nil, ""},
		"plain":         {newRevision(), nil, ""},
		"full":          {full, &v1alpha1.ImageConfig{User: "1000:1000"}, "0123456789abcdef"},
	} {
		t.Run(name, func(t *testing.T) {
			deployment, err := Deployment(tc.rev, "registry/apps/team/hello@"+digest, tc.config, tc.mark)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "deployment-"+name+".yaml", deployment)
		})
	}
}

// golden compares a Deployment with a file of testdata.
func golden(t *testing.T, name string, deployment *appsv1.Deployment) {
	t.Helper()
	got, err := yaml.Marshal(deployment)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestPodSecurity(t *testing.T) {
	const own = int64(-1) // the image's own
	for _, tc := range []struct {
		config      *v1alpha1.ImageConfig
		user, group int64
	}{
		{nil, NonRoot, NonRoot},
		{&v1alpha1.ImageConfig{}, NonRoot, NonRoot},
		{&v1alpha1.ImageConfig{User: "root"}, NonRoot, NonRoot},
		{&v1alpha1.ImageConfig{User: "0"}, NonRoot, NonRoot},
		{&v1alpha1.ImageConfig{User: "0:0"}, NonRoot, NonRoot},
		{&v1alpha1.ImageConfig{User: "-5"}, NonRoot, NonRoot},
		{&v1alpha1.ImageConfig{User: "www-data"}, NonRoot, NonRoot},
		{&v1alpha1.ImageConfig{User: "1000"}, own, own},
		{&v1alpha1.ImageConfig{User: "1234:4321"}, 1234, 4321},
		{&v1alpha1.ImageConfig{User: "1234:0"}, 1234, 0},
		{&v1alpha1.ImageConfig{User: "101:nginx"}, own, own},
	} {
		got := PodSecurity(tc.config)
		if !*got.RunAsNonRoot {
			t.Errorf("%+v: may run as root", tc.config)
		}
		for what, ids := range map[string]struct {
			got  *int64
			want int64
		}{"user": {got.RunAsUser, tc.user}, "group": {got.RunAsGroup, tc.group}} {
			if (ids.got == nil) != (ids.want == own) || ids.got != nil && *ids.got != ids.want {
				t.Errorf("%+v: %s is %v, want %d", tc.config, what, ids.got, ids.want)
			}
		}
	}
}

func TestBadQuantity(t *testing.T) {
	rev := newRevision(func(r *v1alpha1.Revision) { r.Spec.Resources.CPU = "lots" })
	if _, err := Deployment(rev, "x", nil, ""); err == nil {
		t.Error("resources.cpu: lots is accepted")
	}
}

func TestUpToDate(t *testing.T) {
	render := func(change ...func(*v1alpha1.Revision)) *appsv1.Deployment {
		d, err := Deployment(newRevision(change...), "x@"+digest, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, tc := range map[string]struct {
		change func(*appsv1.Deployment)
		want   bool
	}{
		"nothing": {func(*appsv1.Deployment) {}, true},
		"defaults of the API server": {func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyAlways
			d.Spec.Template.Spec.Containers[0].ImagePullPolicy = corev1.PullIfNotPresent
			d.Annotations["deployment.kubernetes.io/revision"] = "1"
		}, true},
		"scaled":                {func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(7)) }, true},
		"image changed by hand": {func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "y" }, false},
		"container of another manager": {func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: "mesh"})
		}, true},
		"rendered by an older Headway":  {func(d *appsv1.Deployment) { d.Annotations[annotationRendered] = "old" }, false},
		"label taken away":              {func(d *appsv1.Deployment) { delete(d.Labels, v1alpha1.LabelApp) }, false},
		"security loosened":             {func(d *appsv1.Deployment) { d.Spec.Template.Spec.SecurityContext.RunAsNonRoot = new(false) }, false},
		"variable's value changed":      {func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Env[0].Value = "1" }, false},
		"token mounted, against orders": {func(d *appsv1.Deployment) { d.Spec.Template.Spec.AutomountServiceAccountToken = new(true) }, false},
	} {
		live := render()
		tc.change(live)
		if got := UpToDate(live, render()); got != tc.want {
			t.Errorf("%s: up to date = %v, want %v", name, got, tc.want)
		}
	}
	if UpToDate(nil, render()) {
		t.Error("a missing Deployment counts as up to date")
	}
}
