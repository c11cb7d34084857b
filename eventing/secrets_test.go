package eventing

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestSecrets: they are read when they are needed, anew after a while, and stay as
// they were while the API server does not answer.
func TestSecrets(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "hook"}}
	var away error
	reads := 0
	api := fake.NewClientBuilder().WithObjects(secret).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, options ...client.GetOption) error {
			reads++
			if away != nil {
				return away
			}
			return c.Get(ctx, key, o, options...)
		},
	}).Build()
	now := noon
	s := newSecrets(api)
	s.now = func() time.Time { return now }
	object := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "pushes", UID: "1", Generation: 1},
		Spec: v1alpha1.SourceSpec{GitHub: &v1alpha1.WebhookSource{Secret: v1alpha1.KeyRef{Name: "hook", Key: "token"}}}}
	write := func(token string) func() {
		return func() {
			secret.Data = map[string][]byte{"token": []byte(token)}
			if err := api.Update(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, step := range []struct {
		name    string
		after   time.Duration
		do      func()
		want    string // token, or error
		asks    int
		missing bool
	}{
		{"without the key", 0, func() {}, `Secret "hook" of namespace shop has nothing under the key "token"; add it. Nothing is taken from the source before that`, 1, true},
		{"the key comes", time.Second, write("old"), "old", 1, false},
		{"it is rotated", 29 * time.Second, write("new"), "old", 0, false},
		{"a while later", time.Second, func() {}, "new", 1, false},
		{"the API server goes", secretPause, func() { away = errors.New("it is away") }, "new", 1, false},
		{"another spec", 0, func() { object.Generation++ }, "reading Secret shop/hook: it is away", 1, false},
		{"it comes back", 0, func() { away = nil }, "new", 1, false},
		{"another name", 0, func() { object.Generation++; object.Spec.GitHub.Secret.Name = "other" },
			`Secret "other" does not exist in namespace shop; make it there. Nothing is taken from the source before that`, 1, true},
		{"another object of the name", 0, func() { object.UID = "2"; object.Spec.GitHub.Secret.Name = "hook" }, "new", 1, false},
		{"a kind without a Secret", 0, func() { object.Generation++; object.Spec = v1alpha1.SourceSpec{Cron: &v1alpha1.CronSource{}} }, "", 0, false},
	} {
		now = now.Add(step.after)
		step.do()
		before := reads
		data, err := s.read(t.Context(), object)
		got := string(data["hook"]["token"])
		if err != nil {
			got = err.Error()
		}
		if missing := errors.As(err, new(*missingSecret)); got != step.want || missing != step.missing || reads-before != step.asks {
			t.Errorf("%s: got %q after %d reads, missing %t; want %q, %d, %t", step.name, got, reads-before, missing, step.want, step.asks, step.missing)
		}
	}
	s.forget(client.ObjectKeyFromObject(object))
	if len(s.known) > 0 {
		t.Error("what is gone is remembered")
	}
}
