package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/scaler/park"
)

var update = flag.Bool("update", false, "write the golden files")

func testSettings(t *testing.T, args ...string) settings {
	t.Helper()
	var s settings
	set := flag.NewFlagSet("install", flag.ContinueOnError)
	s.register(set)
	if err := set.Parse(append([]string{"--registry", "registry.example.com/headway", "--domain", "apps.example.com"}, args...)); err != nil {
		t.Fatal(err)
	}
	if err := s.complete(); err != nil {
		t.Fatal(err)
	}
	return s
}

func testReferences() map[string]string {
	references := map[string]string{}
	for i, name := range []string{"controller", "activator", "buildstep", "builder-go", "buildkit", "autoscaler", "park", "eventing", "watcher"} {
		references[name] = "registry.example.com/headway/" + name + "@sha256:" + strings.Repeat(string(rune('a'+i)), 64)
	}
	return references
}

// testKeys are those of a first installation.
var testKeys = parkKeys{KeyPair: park.KeyPair{Private: "cHJpdmF0ZQ==", Public: "cHVibGlj"}, made: true}

// testPassword is that of a first installation.
func testPassword(s settings) peerPassword {
	if s.clustered() {
		return "secret"
	}
	return ""
}

// object is a rendered document: its kind and name, and all of it.
type object struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	raw               []byte
}

func (o object) into(t *testing.T, target any) {
	t.Helper()
	if err := yaml.Unmarshal(o.raw, target); err != nil {
		t.Fatalf("%s %s: %v", o.Kind, o.Name, err)
	}
}

func rendered(t *testing.T, s settings) (objects []object, all []byte) {
	t.Helper()
	all, err := render(s, testKeys, testPassword(s), testReferences())
	if err != nil {
		t.Fatal(err)
	}
	return documents(t, all), all
}

func documents(t *testing.T, all []byte) (objects []object) {
	t.Helper()
	decoder := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(all)))
	defer decoder.Close()
	buffer := make([]byte, len(all))
	for {
		n, err := decoder.Read(buffer)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		var o object
		o.raw = bytes.Clone(buffer[:n])
		o.into(t, &o)
		objects = append(objects, o)
	}
}

// The golden files list every object with what matters of it: a change of the
// manifests shows up as a change of what gets installed.
func TestRenderedObjects(t *testing.T) {
	for name, s := range map[string]settings{
		"any":               testSettings(t, "--kustomization", ".."),
		"eventing-replicas": testSettings(t, "--kustomization", "..", "--eventing-replicas", "3"),
		"eventing-nats":     testSettings(t, "--kustomization", "..", "--nats-url", "nats://nats.example.com", "--nats-secret", "nats"),
		"local":             testSettings(t, "--kustomization", "../local/headway", "--plain-http", "--public-port", "8080"),
	} {
		t.Run(name, func(t *testing.T) {
			objects, _ := rendered(t, s)
			var got strings.Builder
			for _, o := range objects {
				if strings.HasPrefix(name, "eventing-") && !strings.HasPrefix(o.Name, "headway-event") {
					continue // as in any
				}
				got.WriteString(strings.TrimSpace(strings.Join([]string{o.Kind, o.Namespace, o.Name}, " ")) + "\n")
				switch o.Kind {
				case "ConfigMap":
					var c corev1.ConfigMap
					o.into(t, &c)
					describe(t, &got, c.Data)
				case "Service":
					var service corev1.Service
					o.into(t, &service)
					describe(t, &got, service.Spec)
				case "ClusterRole", "Role":
					var role rbacv1.Role
					o.into(t, &role)
					describe(t, &got, role.Rules)
				case "Secret":
					var secret corev1.Secret
					o.into(t, &secret)
					describe(t, &got, map[string]any{"data": secret.Data, "immutable": secret.Immutable})
				case "Deployment", "StatefulSet":
					var d appsv1.Deployment
					o.into(t, &d)
					describe(t, &got, map[string]any{"image": d.Spec.Template.Spec.Containers[0].Image, "args": d.Spec.Template.Spec.Containers[0].Args})
				}
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("rendered objects (-want +got):\n%s", diff)
			}
		})
	}
}

func describe(t *testing.T, out *strings.Builder, value any) {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		out.WriteString("    " + line)
	}
}

// No placeholder is left: every image is pinned by digest, in Tasks too.
func TestEveryImageIsPinned(t *testing.T) {
	objects, _ := rendered(t, testSettings(t, "--kustomization", ".."))
	seen := map[string]bool{}
	for _, o := range objects {
		for line := range strings.Lines(string(o.raw)) {
			_, image, ok := strings.Cut(strings.TrimSpace(line), "image: ")
			if !ok { // a variable may have one, too
				_, image, ok = strings.Cut(strings.TrimSpace(line), "value: ")
				ok = ok && (strings.HasPrefix(image, "headway/") || strings.HasPrefix(image, "registry.example.com/headway/"))
			}
			if !ok || o.Kind == "CustomResourceDefinition" {
				continue
			}
			name, digest, _ := strings.Cut(image, "@")
			if !strings.HasPrefix(name, "registry.example.com/headway/") || !strings.HasPrefix(digest, "sha256:") {
				t.Errorf("%s %s has the image %s", o.Kind, o.Name, image)
			}
			seen[strings.TrimPrefix(name, "registry.example.com/headway/")] = true
		}
	}
	for name := range testReferences() {
		if !seen[name] {
			t.Errorf("no object uses the image %s", name)
		}
	}
}

// The namespace refuses pods that are not hardened; this says so before a cluster does.
func TestServersAreHardened(t *testing.T) {
	objects, _ := rendered(t, testSettings(t, "--kustomization", ".."))
	servers := 0
	for _, o := range objects {
		if o.Kind != "Deployment" && o.Kind != "StatefulSet" {
			continue
		}
		servers++
		var d appsv1.Deployment // of a StatefulSet the template is in the same place
		o.into(t, &d)
		pod := d.Spec.Template.Spec
		if pod.SecurityContext == nil || pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile == nil {
			t.Errorf("%s: pod security context %v", o.Name, pod.SecurityContext)
		}
		for _, c := range pod.Containers {
			sc := c.SecurityContext
			if sc == nil || sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation || sc.ReadOnlyRootFilesystem == nil || !*sc.ReadOnlyRootFilesystem ||
				sc.Capabilities == nil || cmp.Diff([]corev1.Capability{"ALL"}, sc.Capabilities.Drop) != "" {
				t.Errorf("%s: security context %v", o.Name, sc)
			}
			if c.ReadinessProbe == nil || c.LivenessProbe == nil || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: probes or resources are missing", o.Name)
			}
		}
	}
	if servers != 5 {
		t.Errorf("%d Deployments and StatefulSets, want 5", servers)
	}
}

// Other settings give the ConfigMap another name, which restarts the programs.
func TestChangedSettingsRestart(t *testing.T) {
	names := map[string]bool{}
	for _, domain := range []string{"a.example.com", "b.example.com"} {
		objects, all := rendered(t, testSettings(t, "--kustomization", "..", "--domain", domain))
		for _, o := range objects {
			if o.Kind != "ConfigMap" {
				continue
			}
			names[o.Name] = true
			if used := bytes.Count(all, []byte("name: "+o.Name+"\n")); used < 7 {
				t.Errorf("%s is named %d times: the Deployment does not use it", o.Name, used)
			}
		}
	}
	if len(names) != 2 {
		t.Errorf("names %v", names)
	}
}

func TestSettings(t *testing.T) {
	for _, test := range []struct {
		name string
		s    settings
		want string // part of the error, or the literals
	}{
		{"no registry", settings{eventingReplicas: 1, builds: 4, domain: "a.b", publicScheme: "http"}, "make deploy REGISTRY="},
		{"no domain", settings{eventingReplicas: 1, builds: 4, registry: "r.example.com/h", publicScheme: "http"}, "make deploy REGISTRY="},
		{"wildcard", settings{eventingReplicas: 1, builds: 4, registry: "r.example.com/h", domain: "*.a.b", publicScheme: "http"}, "not a domain"},
		{"scheme", settings{eventingReplicas: 1, builds: 4, registry: "r.example.com/h", domain: "a.b", publicScheme: "ftp"}, "http or https"},
		{"events", settings{eventingReplicas: 1, builds: 4, registry: "r.example.com/h", domain: "a.b", publicScheme: "http", eventsURL: "events.example.com"}, "no URL such as https://events.example.com"},
		{"port", settings{eventingReplicas: 1, builds: 4, registry: "r.example.com/h", domain: "a.b", publicScheme: "http", publicPort: 70000}, "not a port"},
		{"builds", settings{eventingReplicas: 1, registry: "r.example.com/h", domain: "a.b", publicScheme: "http"}, "0 builds at once are too few"},
		{
			"https", settings{eventingReplicas: 1, builds: 4, registry: "r.example.com/h/", domain: "a.b", publicScheme: "https", registrySecret: "push"},
			"registry=r.example.com/h/apps insecureRegistries= registrySecret=push domain=a.b publicScheme=https publicPort=443 eventsURL= builds=4",
		},
		{
			"plain http", settings{eventingReplicas: 1, builds: 4, registry: "r:5000/h", appsRegistry: "r:5000/a", domain: "a.b", publicScheme: "http", publicPort: 8080, plainHTTP: true},
			"registry=r:5000/a insecureRegistries=r:5000 registrySecret= domain=a.b publicScheme=http publicPort=8080 eventsURL= builds=4",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.s.complete(); err != nil {
				got = err.Error()
			} else {
				got = strings.Join(test.s.literals(), " ")
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
