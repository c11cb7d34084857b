//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// rotate gives the Secret that meter's variable DB comes from another value.
func (tm *team) rotate(value string) *corev1.Secret {
	tm.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "meter-db"}}
	if value == "one" {
		secret.StringData = map[string]string{"url": value}
		tm.create(secret)
		return secret
	}
	if err := tm.get(secret.Name, secret); err != nil {
		tm.Fatal(err)
	}
	secret.StringData = map[string]string{"url": value}
	if err := kube.Update(tm.Context(), secret); err != nil {
		tm.Fatal(err)
	}
	return secret
}

// waitRestarted waits until all pods of a revision are new ones, and the
// revision says why.
func (tm *team) waitRestarted(revision, cause string) {
	tm.Helper()
	eventually(tm.T, soon, "the pods are restarted: "+cause, func() error {
		rev := &v1alpha1.Revision{}
		if err := tm.get(revision, rev); err != nil {
			return err
		}
		if said := message(rev.Status.Conditions, v1alpha1.ConditionReady); !strings.Contains(said, "; pods restarted: "+cause) {
			return fmt.Errorf("it says %q", said)
		}
		return nil
	})
}

// TestRotation: a changed Secret, and a person who asks for it, replace the pods
// of an app under load, and no request fails.
func TestRotation(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	tm.rotate("one")
	_, revision := tm.startMeterAs("env: {DB: secret://meter-db/url}\nscale: {min: 2}")
	tm.waitReady(revision, 2)
	crowd := startCrowd(t, tm.url("meter")+"work?for=20ms", 10)
	before, _ := tm.podsOf(revision)

	secret := tm.rotate("two")
	tm.waitRestarted(revision, fmt.Sprintf("Secret %q changed to version %s", secret.Name, secret.ResourceVersion))
	for range 10 {
		if got := tm.look(nil).Environment["DB"]; got != "two" {
			t.Errorf("a pod has %q", got)
		}
	}
	said := tm.headway("restart", "meter")
	if !strings.HasPrefix(said, "meter restarts, asked for by ") {
		t.Errorf("headway restart says %q", said)
	}
	tm.waitRestarted(revision, "asked for by ")
	after, _ := tm.podsOf(revision)
	for _, pod := range before {
		for _, other := range after {
			if pod.UID == other.UID {
				t.Errorf("pod %s is still there", pod.Name)
			}
		}
	}
	crowd.wantNoneFailed(t)
}

// TestRotationReachesParkedPods: neither a pod that is parked nor one that was
// woken goes on with what a Secret held before.
func TestRotationReachesParkedPods(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	tm.rotate("one")
	_, revision := tm.startMeterAs("env: {DB: secret://meter-db/url}\nscale: {idle: 20s, standby: 1}")
	tm.waitParked(revision)
	woken := tm.look(nil)
	tm.waitWoken(revision, woken.Hostname)
	crowd := startCrowd(t, tm.url("meter")+"work?for=20ms", 4)
	tm.rotate("two")
	eventually(t, soon, "the woken pod is replaced", func() error {
		if now := tm.look(nil); now.Environment["DB"] != "two" || now.Hostname == woken.Hostname {
			return fmt.Errorf("%s answers with %q", now.Hostname, now.Environment["DB"])
		}
		return nil
	})
	crowd.wantNoneFailed(t)
	tm.waitParked(revision)
	if now := tm.look(nil); now.Environment["DB"] != "two" {
		t.Errorf("the parked pod has %q", now.Environment["DB"])
	}
}
