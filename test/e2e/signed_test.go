//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestSignedCommits: where a Repository asks for signatures, a push without one
// changes nothing, and one that git has signed goes live.
func TestSignedCommits(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	key := filepath.Join(t.TempDir(), "id_ed25519")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	tm.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: "signers"},
		StringData: map[string]string{"allowed_signers": "headway@localhost " + string(public)}})
	code.git("config", "gpg.format", "ssh")
	code.git("config", "user.signingkey", key)

	code.push("Without a signature")
	code.watchAs(v1alpha1.RepositorySpec{URL: code.tree.URL, Verify: &v1alpha1.Verify{Keys: corev1.LocalObjectReference{Name: "signers"}}})
	eventually(t, soon, "the repository says that it is not signed", func() error {
		status, err := code.status()
		if err != nil {
			return err
		}
		return condition(status.Conditions, v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonUnsigned)
	})
	if app, err := tm.app("static"); err == nil {
		t.Errorf("app %s is made of a commit without a signature", app.Name)
	}

	code.git("commit", "--quiet", "--amend", "--no-edit", "-S")
	code.git("push", "--quiet", "--force", "origin", "HEAD")
	signed := code.git("rev-parse", "HEAD")
	tm.waitLive("static", signed)
	if s := tm.mustRevision("static", signed).Spec.Signature; s == nil || s.Signer != "headway@localhost" {
		t.Errorf("signature of the revision: %+v", s)
	}

	code.write("public/index.html", "taken over\n")
	unsigned := code.push("Without a signature, again")
	eventually(t, soon, "the app says that its newest commit is not signed", func() error {
		app, err := tm.app("static")
		if err != nil {
			return err
		}
		if app.Status.Live != revisionName("static", signed) {
			t.Fatalf("%s is live, and was not signed", app.Status.Live)
		}
		return condition(app.Status.Conditions, v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonUnsigned)
	})
	if _, err := tm.revision("static", unsigned); err == nil {
		t.Error("a commit without a signature has a revision")
	}
}
