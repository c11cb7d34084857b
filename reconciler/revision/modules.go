package revision

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/index"
)

// Modules are the private Go modules that a build may fetch.
type Modules struct {
	// Private are the patterns of their paths.
	Private []string
	// Problem says why there are no credentials; else Netrc has them.
	Problem string
	Netrc   []byte
}

// modules reads what spec.modules of the Repository gives to a build; nil is
// nothing. Only the Repository's own branches and tags get it: the code of a
// fork is that of somebody who may not read the modules.
func (r *Reconciler) modules(ctx context.Context, seen Seen) (*Modules, error) {
	rev := seen.Revision
	own := !rev.FromFork() && (strings.HasPrefix(rev.Spec.Ref, "refs/heads/") || strings.HasPrefix(rev.Spec.Ref, "refs/tags/"))
	if !own || seen.Template == nil || !seen.Template.TakesModules() {
		return nil, nil
	}
	repository, err := index.Lookup(ctx, r.Client, rev.Namespace, rev.Spec.Repository, &v1alpha1.Repository{})
	if err != nil || repository == nil || repository.Spec.Modules == nil {
		return nil, err
	}
	spec := repository.Spec.Modules
	secret, err := index.Lookup(ctx, r.Live, rev.Namespace, spec.SecretRef.Name, &corev1.Secret{})
	if err != nil {
		return nil, err
	}
	m := &Modules{Private: spec.Private}
	said := fmt.Sprintf("spec.modules of Repository %s names the Secret %q", repository.Name, spec.SecretRef.Name)
	if secret == nil {
		m.Problem = fmt.Sprintf("%s, which is not in namespace %s; create it with the keys username and password", said, rev.Namespace)
	} else if m.Netrc = netrc(spec.Private, secret.Data); m.Netrc == nil {
		m.Problem = said + "; it must have the keys username and password, without spaces, or .netrc"
	}
	return m, nil
}

// netrc is the file that git and the Go command take credentials from; nil where
// the Secret does not have them.
func netrc(private []string, secret map[string][]byte) []byte {
	if len(secret[".netrc"]) > 0 {
		return secret[".netrc"]
	}
	user, password := strings.TrimSpace(string(secret["username"])), strings.TrimSpace(string(secret["password"]))
	if user == "" || password == "" || strings.ContainsFunc(user+password, unicode.IsSpace) {
		return nil
	}
	var hosts []string
	for _, pattern := range private {
		host, _, _ := strings.Cut(pattern, "/")
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	var file []byte
	for _, host := range slices.Compact(hosts) {
		file = fmt.Appendf(file, "machine %s login %s password %s\n", host, user, password)
	}
	return file
}

// equipRun gives a run the credentials that its pod waits for.
func (r *Reconciler) equipRun(ctx context.Context, run *pipelines.TaskRun, modules *Modules) error {
	if modules == nil || modules.Netrc == nil || !pipelines.UsesModules(run) {
		return nil
	}
	secret := pipelines.ModulesSecretFor(run, modules.Netrc)
	if err := r.Client.Create(ctx, secret, apply.Reconcilers); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating secret %s: %w", secret.Name, err)
	}
	return nil
}

// unequipRun takes the credentials back from a run that has no use for them any
// more. What is left of one that nobody came to goes with the run.
func (r *Reconciler) unequipRun(ctx context.Context, run *pipelines.TaskRun) error {
	if !pipelines.UsesModules(run) {
		return nil
	}
	secret := pipelines.ModulesSecretFor(run, nil)
	if err := r.Client.Delete(ctx, secret); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting secret %s: %w", secret.Name, err)
	}
	return nil
}
