package main

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/park"
)

// secretYAML is the Secret as kubectl prints it.
func secretYAML(t *testing.T, data map[string]string) string {
	t.Helper()
	var secret corev1.Secret
	secret.Data = map[string][]byte{}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	content, err := yaml.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestReadParkKeys(t *testing.T) {
	pair, err := park.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := readParkKeys(secretYAML(t, map[string]string{v1alpha1.ParkPrivateKey: pair.Private, v1alpha1.ParkPublicKey: pair.Public}))
	if err != nil || kept != (parkKeys{KeyPair: pair}) {
		t.Errorf("the keys that are there: made %v, %v", kept.made, err)
	}
	first, err := readParkKeys("")
	if err != nil || !first.made || first.Check() != nil {
		t.Errorf("the first keys: made %v, %v, %v", first.made, err, first.Check())
	}
	if second, err := readParkKeys(""); err != nil || second == first {
		t.Errorf("the first keys twice: %v", err)
	}
	for name, secret := range map[string]string{
		"empty":    secretYAML(t, nil),
		"half":     secretYAML(t, map[string]string{v1alpha1.ParkPrivateKey: pair.Private}),
		"of two":   secretYAML(t, map[string]string{v1alpha1.ParkPrivateKey: first.Private, v1alpha1.ParkPublicKey: pair.Public}),
		"nonsense": secretYAML(t, map[string]string{v1alpha1.ParkPrivateKey: "a", v1alpha1.ParkPublicKey: "b"}),
	} {
		_, err := readParkKeys(secret)
		if err == nil || !strings.Contains(err.Error(), "kubectl delete secret headway-park --namespace headway-system") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), pair.Private) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
}

// A Secret that is there is not applied again; other keys restart the programs.
func TestParkKeysInTheManifests(t *testing.T) {
	for _, made := range []bool{true, false} {
		keys := testKeys
		keys.made = made
		content, err := render(testSettings(t, "--kustomization", ".."), keys, "", testReferences())
		if err != nil {
			t.Fatal(err)
		}
		secrets, deployments := 0, 0
		for _, o := range documents(t, content) {
			switch o.Kind {
			case "Secret":
				secrets++
			case "Deployment":
				deployments++
				if secrets == 0 && made {
					t.Errorf("%s comes before the Secret", o.Name)
				}
				var d appsv1.Deployment
				o.into(t, &d)
				wanted := keys.Public
				if !checkParkMount(t, d) {
					wanted = ""
				}
				if got := d.Spec.Template.Annotations["headway.dev/park-key"]; got != wanted {
					t.Errorf("%s notes the key %q", o.Name, got)
				}
			}
		}
		if deployments == 0 || (secrets == 1) != made {
			t.Errorf("made %v: %d Secrets, %d Deployments", made, secrets, deployments)
		}
	}
}

// The controller has no use for the key that wakes pods, and does not get it; the
// watcher has nothing to do with parked pods.
func checkParkMount(t *testing.T, d appsv1.Deployment) (mounts bool) {
	t.Helper()
	for _, volume := range d.Spec.Template.Spec.Volumes {
		if volume.Secret == nil || volume.Secret.SecretName != v1alpha1.ParkSecret {
			continue
		}
		items := volume.Secret.Items
		public := len(items) == 1 && items[0].Key == v1alpha1.ParkPublicKey
		if public != (d.Name == "headway-controller") {
			t.Errorf("%s mounts %v of the Secret", d.Name, items)
		}
		mounts = true
	}
	if mounts == (d.Name == "headway-watcher") {
		t.Errorf("%s mounts the Secret: %v", d.Name, mounts)
	}
	return mounts
}
