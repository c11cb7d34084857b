package diagnose

import (
	"fmt"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestMissingReference(t *testing.T) {
	secret := func(env, name, key string) v1alpha1.EnvVar {
		return v1alpha1.EnvVar{Name: env, Secret: &v1alpha1.KeyRef{Name: name, Key: key}}
	}
	config := func(env, name, key string) v1alpha1.EnvVar {
		return v1alpha1.EnvVar{Name: env, Config: &v1alpha1.KeyRef{Name: name, Key: key}}
	}
	several := []v1alpha1.EnvVar{
		secret("A", "there", "key"), secret("DB", "db", "url"), {Name: "LOG", Value: "info"}, config("FLAGS", "flags", "all"),
		secret("USER", "db", "user"), secret("WHO", "db", "user"), secret("Z", "db", "url"),
	}
	var many []v1alpha1.EnvVar
	for i := range 13 {
		many = append(many, config(fmt.Sprintf("V%02d", i), "c", fmt.Sprint(i)))
	}
	for _, tc := range []struct {
		name    string
		env     []v1alpha1.EnvVar
		message string
		want    string
	}{
		{"the last one", several[:2], `secret "db" not found`,
			`Secret "db" does not exist, which env.DB in headway.yaml asks for; create it in namespace "team", no new push is needed`},
		{"others may be missing", several, `secret "db" not found`,
			`Secret "db" does not exist, which env.DB in headway.yaml asks for; create it in namespace "team", no new push is needed` +
				`; still to be looked for: key "all" of ConfigMap "flags", key "user" of Secret "db"`},
		{"a key", several, `couldn't find key all in ConfigMap team/flags`,
			`ConfigMap "flags" has no key "all", which env.FLAGS in headway.yaml asks for; add it in namespace "team", no new push is needed` +
				`; still to be looked for: key "user" of Secret "db", key "url" of Secret "db"`},
		{"very many", many, `configmap "c" not found`,
			`ConfigMap "c" does not exist, which env.V00 in headway.yaml asks for; create it in namespace "team", no new push is needed` +
				`; still to be looked for: key "1" of ConfigMap "c", key "2" of ConfigMap "c", key "3" of ConfigMap "c", key "4" of ConfigMap "c", ` +
				`key "5" of ConfigMap "c", key "6" of ConfigMap "c", key "7" of ConfigMap "c", key "8" of ConfigMap "c", key "9" of ConfigMap "c", ` +
				`key "10" of ConfigMap "c", and 2 more`},
		{"not ours", several, `secret "mesh" not found`, `Secret "mesh" does not exist; create it in namespace "team", no new push is needed`},
	} {
		rev := newRevision(func(r *v1alpha1.Revision) { r.Spec.Env = tc.env })
		if got, ok := missingReference(rev, tc.message); !ok || got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	if got, ok := missingReference(newRevision(), "no such thing"); ok {
		t.Errorf("got %q of a message about something else", got)
	}
}
