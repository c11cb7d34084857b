package watcher

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// signing is a Repository that demands signatures, and a key that counts.
type signing struct {
	*world
	key ssh.Signer
}

func newSigning(t *testing.T) *signing {
	t.Helper()
	w := &signing{world: newWorld(t), key: newKey(t)}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "signers"}}
	if err := w.client.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.list("ada@example.com " + string(ssh.MarshalAuthorizedKey(w.key.PublicKey())))
	w.change(func(r *v1alpha1.Repository) {
		r.Spec.Verify = &v1alpha1.Verify{Keys: corev1.LocalObjectReference{Name: "signers"}, Who: "committer"}
	})
	return w
}

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// list replaces the list of signers.
func (w *signing) list(lines string) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "signers"}, Data: map[string][]byte{"allowed_signers": []byte(lines)}}
	if err := w.client.Update(w.t.Context(), secret); err != nil {
		w.t.Fatal(err)
	}
}

func by(t *testing.T, key ssh.Signer) func([]byte) string {
	return func(payload []byte) string {
		sig, err := sshsig.Sign(bytes.NewReader(payload), key, sshsig.HashSHA512, "git")
		if err != nil {
			t.Fatal(err)
		}
		return string(sshsig.Armor(sig))
	}
}

// commit makes a signed commit, and pushes it.
func (w *signing) commit(files map[string]string) string {
	w.t.Helper()
	w.git.Commit("signed", files)
	commit := w.git.Sign(by(w.t, w.key))
	w.git.Push()
	return commit
}

// live are the heads of shop, and why its newest commit is not used.
func (w *signing) live() string {
	w.t.Helper()
	var out []string
	spec := w.app("shop").Spec
	for _, h := range spec.Heads {
		out = append(out, v1alpha1.ShortRef(h.Ref)+"="+h.Revision)
	}
	if spec.Problem != nil {
		out = append(out, spec.Problem.Reason)
	}
	return strings.Join(out, " ")
}

// TestUnsignedIsNotDeployed: nothing of an unsigned commit counts, whatever it
// says, and the next one that is signed goes on.
func TestUnsignedIsNotDeployed(t *testing.T) {
	w := newSigning(t)
	w.git.CommitAndPush("first", shop)
	w.look()
	w.wantCondition(v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonUnsigned, "of main is not deployed: it is not signed; sign with \"git config gpg.format ssh; git commit -S\"")
	w.wantCondition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSynced, "which is not deployed")
	if repo := w.repo(); len(w.revisions()) != 0 || repo.Status.Commit != "" || len(repo.Status.Heads) != 0 || len(repo.Status.Apps) != 0 {
		t.Errorf("status of an unsigned repository: %+v", repo.Status)
	}

	signed := w.commit(shop)
	w.look()
	one := "shop-" + signed[:8]
	w.wantCondition(v1alpha1.ConditionSpecValid, metav1.ConditionTrue, v1alpha1.ReasonValid, "")
	want := &v1alpha1.Signature{Key: ssh.FingerprintSHA256(w.key.PublicKey()), Signer: "ada@example.com"}
	got := w.revisions()[one].Spec.Signature
	if got == nil || got.Checked.IsZero() {
		t.Fatalf("signature of %s: %+v", one, got)
	}
	want.Checked = got.Checked
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("signature (-want +got)\n%s", diff)
	}
	if got := w.repo().Status.Heads[0].Signature; got == nil || got.Key != want.Key {
		t.Errorf("signature of the head: %+v", got)
	}

	// One that would rename the app, and take a host.
	w.git.CommitAndPush("evil", map[string]string{"headway.yaml": "name: evil\nhosts: [evil.example.com]\n", "main.go": "package main\n\nfunc main() { panic(1) }\n"})
	w.look()
	if got, want := w.live(), "main="+one+" Unsigned"; got != want {
		t.Errorf("after an unsigned commit: %s, want %s", got, want)
	}
	if repo := w.repo(); repo.Status.Commit != signed || len(repo.Status.Apps) != 1 || repo.Status.AppCount != 1 || len(w.revisions()) != 1 {
		t.Errorf("after an unsigned commit: %d revisions, status %+v", len(w.revisions()), repo.Status)
	}
	w.restart() // it is no other for a new process
	w.look()
	if got, want := w.live(), "main="+one+" Unsigned"; got != want {
		t.Errorf("after a restart: %s, want %s", got, want)
	}

	// The files are gone: so is the app, by a commit that counts only.
	w.git.Git("rm", "--quiet", "headway.yaml")
	w.git.CommitAndPush("gone", nil)
	w.look()
	if got, want := w.live(), "main="+one+" Unsigned"; got != want {
		t.Errorf("after an unsigned removal: %s, want %s", got, want)
	}
	next := w.commit(map[string]string{"headway.yaml": "name: shop\nport: 9001\n"})
	w.look()
	if got, want := w.live(), "main=shop-"+next[:8]; got != want {
		t.Errorf("after a signed commit: %s, want %s", got, want)
	}
}

// TestWhatCountedStays: a commit that has counted is not checked again when its
// key is gone, also by a new process; a new commit is.
func TestWhatCountedStays(t *testing.T) {
	w := newSigning(t)
	first := w.commit(shop)
	second := w.commit(map[string]string{"README": "of no app"})
	w.look()
	w.list("bob@example.com " + string(ssh.MarshalAuthorizedKey(newKey(t).PublicKey())))
	for range 2 {
		w.look()
		w.wantCondition(v1alpha1.ConditionSpecValid, metav1.ConditionTrue, v1alpha1.ReasonValid, "")
		if head := w.repo().Status.Heads[0]; head.Commit != second || head.Signature == nil {
			t.Errorf("head %+v, want %s with its signature", head, second)
		}
		w.restart()
	}
	w.commit(map[string]string{"main.go": "package main\n\nfunc main() { println() }\n"})
	w.look()
	w.wantCondition(v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonUnsigned, "which is not among the keys of spec.verify")
	if got := len(w.revisions()); got != 1 || w.revisions()["shop-"+second[:8]].Name == "" {
		t.Errorf("%d revisions beside %s, want one of %s", got, first, second)
	}
}

// TestKeysAreMissing: without the list nothing is deployed, and everything runs.
func TestKeysAreMissing(t *testing.T) {
	w := newSigning(t)
	w.commit(shop)
	w.look()
	was := w.live()
	w.list("ada@example.com nonsense")
	w.commit(map[string]string{"headway.yaml": "name: shop\nport: 9001\n"})
	w.look()
	w.wantCondition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid, `the Secret "signers" of spec.verify.keys: allowed_signers: line 1: has an unknown option`)
	if err := w.client.Delete(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "signers"}}); err != nil {
		t.Fatal(err)
	}
	w.look()
	w.wantCondition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonSecretInvalid, `there is no Secret "signers" in namespace default; create it, or correct spec.verify.keys`)
	if got := w.live(); got != was {
		t.Errorf("without keys %s, want %s as before", got, was)
	}
}

// TestSignedRefs: further branches and pins need a signed commit, released tags a
// signature of either kind.
func TestSignedRefs(t *testing.T) {
	w := newSigning(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"beta", "refs/tags/v*"} })
	first := w.commit(shop)
	unsigned := w.git.Commit("unsigned", map[string]string{"headway.yaml": "name: shop\nport: 9001\n"})
	w.git.Push("HEAD:refs/heads/beta", "HEAD:refs/tags/v2")
	w.git.SignTag("v3", unsigned, by(t, w.key))
	w.git.SignTag("v4", unsigned, by(t, newKey(t)))
	w.git.SignTag("v5", first, by(t, w.key))
	w.git.Git("update-ref", "refs/tags/v6", w.git.Git("rev-parse", "refs/tags/v3")) // under another name
	w.git.Push("--tags")
	before := w.http.Requests.Load()
	w.look()
	if n := w.http.Requests.Load() - before; n > 5 {
		t.Errorf("%d requests for a look at a new repository, want the refs, the commits and the tags", n)
	}
	for _, text := range []string{
		`beta is not followed, what was made of it stays: commit ` + unsigned[:8] + ` of beta is not deployed: it is not signed`,
		`tag v2 is not deployed: it is not signed; make the tag with "git tag -s". Its commit ` + unsigned[:8] + ` would do, too, but it is not signed`,
		`tag v4 is not deployed: it is signed by the key SHA256:`,
		`tag v6 is not deployed: it is a tag that was made with another name, "v3"`,
	} {
		w.wantCondition(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonUnsigned, text)
	}
	if got, want := w.live(), "main=shop-"+first[:8]+" v3=shop-"+unsigned[:8]+" v5=shop-"+first[:8]; got != want {
		t.Errorf("heads %s, want %s", got, want)
	}

	pinned := w.git.Commit("to be pinned", map[string]string{"headway.yaml": "name: shop\nport: 9002\n"})
	w.git.Push("HEAD:refs/heads/other")
	w.git.Git("reset", "--quiet", "--hard", first)
	w.commit(map[string]string{"headway.yaml": "name: shop\nport: 9000\npin: " + pinned + "\n"})
	w.look()
	w.wantCondition(v1alpha1.ConditionSpecValid, metav1.ConditionFalse, v1alpha1.ReasonPinNotFound, "commit "+pinned[:8]+" is not deployed: it is not signed")
}

// TestUnsignedApproval: a tag that approves counts if it is signed itself; one
// that has counted does so on.
func TestUnsignedApproval(t *testing.T) {
	w := newSigning(t)
	commit := w.commit(shop)
	name := "headway/approve/shop/" + commit[:12]
	w.git.Push("HEAD:refs/tags/"+name, "HEAD:refs/tags/headway/approve/other/"+commit[:12])
	approved := func() bool {
		w.look()
		return w.app("shop").Spec.Heads[0].Approved
	}
	if approved() {
		t.Error("approved by a tag without an object")
	}
	w.wantCondition(v1alpha1.ConditionComplete, metav1.ConditionFalse, v1alpha1.ReasonUnsigned, "the tag "+name+" does not count: it is not signed; make the tag with \"git tag -s\"")
	replace := func(make func()) {
		w.git.Git("push", "--quiet", "origin", ":refs/tags/"+name)
		make()
		w.git.Push("refs/tags/" + name)
	}
	replace(func() { w.git.SignTag(name, commit, by(t, newKey(t))) })
	if approved() {
		t.Error("approved by the key of a stranger")
	}
	w.git.SignTag("v1", commit, by(t, w.key))
	replace(func() { w.git.Git("update-ref", "refs/tags/"+name, w.git.Git("rev-parse", "refs/tags/v1")) })
	if approved() {
		t.Error("approved by the signature of another tag")
	}
	replace(func() { w.git.SignTag(name, commit, by(t, w.key)) })
	if !approved() {
		t.Errorf("not approved by a signed tag: %+v", meta.FindStatusCondition(w.repo().Status.Conditions, v1alpha1.ConditionComplete))
	}
	w.list("bob@example.com " + string(ssh.MarshalAuthorizedKey(newKey(t).PublicKey())))
	w.restart()
	if !approved() {
		t.Error("what has counted does not, with other keys")
	}
}

// TestNoUnsignedRevert: what Headway would push is not signed, so it pushes
// nothing, and says how a person does it.
func TestNoUnsignedRevert(t *testing.T) {
	w := newSigning(t)
	good := w.commit(shop)
	w.look()
	bad := w.commit(map[string]string{"headway.yaml": "name: shop\nport: 9001\n"})
	w.look()
	app := w.app("shop")
	app.Status.Commit = &v1alpha1.CommitRequest{Action: v1alpha1.CommitRevert, Revision: "shop-" + bad[:8], Branch: main, Commit: good}
	if err := w.client.Status().Update(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	w.look()
	want := "commits have to be signed (spec.verify), and Headway has no key to sign a revert with. By hand: " +
		"git switch main && git pull --ff-only && git revert --no-edit -S " + bad + " && git push origin main"
	if got := w.app("shop").Spec.Committed; got == nil || got.Problem != want {
		t.Errorf("committed %+v\nwant the problem %s", got, want)
	}
	if at := w.git.InBare("rev-parse", "main"); at != bad {
		t.Errorf("main is at %s", at)
	}
}

// TestNoWriteWhenNothingChanges: an unsigned head costs no request but the refs,
// and no write, in later looks.
func TestNoWriteWhenNothingChanges(t *testing.T) {
	w := newSigning(t)
	w.commit(shop)
	w.look()
	w.git.CommitAndPush("unsigned", map[string]string{"README": "x"})
	w.look()
	version, requests := w.repo().ResourceVersion, w.http.Requests.Load()
	w.r.now = func() time.Time { return time.Now().Add(time.Hour) }
	w.look()
	if n := w.http.Requests.Load() - requests; n != 1 {
		t.Errorf("%d requests, want that for the refs", n)
	}
	if got := w.repo().ResourceVersion; got != version {
		t.Error("the status is written again")
	}
	if told := w.told(); slices.ContainsFunc(told[len(told)-1:], func(e string) bool { return !strings.Contains(e, "Unsigned") }) {
		t.Errorf("events %q, want Unsigned at last", told)
	}
}

// TestUnsignedRequest: the head of an own branch gets a preview when it is signed,
// and keeps the one that it has while it is not.
func TestUnsignedRequest(t *testing.T) {
	w := newSigning(t)
	first := w.commit(released("1", "preview: {branches: [feat]}\n"))
	push := func(program string, signed bool) string {
		commit := w.git.Commit(program, released(program, ""))
		if signed {
			commit = w.git.Sign(by(t, w.key))
		}
		w.git.Push("+HEAD:refs/heads/feat")
		w.look()
		return commit
	}
	w.look()
	unsigned := push("2", false)
	requests := w.repo().Status.Requests
	want := "commit " + unsigned[:8] + " of feat is not deployed: it is not signed; " +
		"sign with \"git config gpg.format ssh; git commit -S\" and push a signed commit. Previews that it has stay as they are"
	if len(requests) != 1 || requests[0].State != v1alpha1.RequestInvalid || requests[0].Message != want || len(w.revisions()) != 1 {
		t.Fatalf("%d revisions, requests %+v\nwant Invalid: %s", len(w.revisions()), requests, want)
	}
	signed := push("3", true)
	preview := w.app("shop-br-feat").Spec
	if got := w.revisions()["shop-br-feat-"+signed[:8]]; len(preview.Heads) != 1 || preview.Heads[0].Commit != signed || got.Spec.Signature == nil {
		t.Errorf("preview %+v, of a revision with the signature %+v", preview.Heads, got.Spec.Signature)
	}
	push("4", false)
	if got := w.app("shop-br-feat").Spec.Heads; got[0].Commit != signed {
		t.Errorf("head of the preview %+v, want %s still", got, signed)
	}
	if got := w.live(); got != "main=shop-"+first[:8] {
		t.Errorf("production: %s", got)
	}
}
