package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/pool"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/verify"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// checkFor bounds all questions of a check together.
const checkFor = time.Minute

func newCheck(s cli.Streams, a *cli.Access) *cobra.Command {
	var output cli.Output
	c := &cobra.Command{
		Use:   "check NAME",
		Short: "Ask the git server and the forge of a repository, and say which right is missing",
		Long: `Read a repository and its Secrets by your own rights, ask its git server and its
forge from this machine, and say line by line what works, which right is missing
and what it is for. Nothing is written anywhere, and no secret is printed. The
exit code is 1 if something is missing that is needed.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(repositoryNames),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			r, err := find(ctx, c, args[0])
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, checkFor)
			defer cancel()
			found := check(ctx, c, r)
			paint := cli.PaintFor(s.Out)
			if err := output.Print(s.Out, found, func(w io.Writer) { found.write(w, paint) }); err != nil {
				return err
			}
			if found.missing() {
				return cli.ErrReported
			}
			return nil
		}),
	}
	output.Flag(c)
	return c
}

// result of one check.
type result string

const (
	works    result = "ok"
	missing  result = "missing"
	optional result = "optional" // missing, and what it is for can be done without
	unknown  result = "unknown"
)

// checked is one line.
type checked struct {
	// About is git, forge, signatures, webhook or modules.
	About  string `json:"about"`
	Result result `json:"result"`
	Text   string `json:"text"`
}

// report is all that was checked.
type report struct {
	Checks []checked `json:"checks"`
}

func (r *report) add(about string, result result, format string, args ...any) {
	r.Checks = append(r.Checks, checked{about, result, fmt.Sprintf(format, args...)})
}

func (r *report) missing() bool {
	for _, c := range r.Checks {
		if c.Result == missing {
			return true
		}
	}
	return false
}

func (r *report) write(w io.Writer, paint cli.Paint) {
	colours := map[result]func(string) string{works: paint.Green, missing: paint.Red, optional: paint.Yellow, unknown: paint.Yellow}
	var g cli.Grid
	for _, c := range r.Checks {
		g.Row(cli.Coloured(string(c.Result), colours[c.Result]), cli.Plain(c.About), cli.Plain(cli.Printable(c.Text, 1000)))
	}
	g.Write(w)
}

// check asks everything that a Repository depends on.
func check(ctx context.Context, c client.Reader, r *v1alpha1.Repository) *report {
	found := &report{Checks: []checked{}}
	found.git(ctx, c, r)
	found.forge(ctx, c, r)
	if v := r.Spec.Verify; v != nil {
		if data, ok := found.secret(ctx, c, r, "signatures", &v.Keys); ok {
			if keys, err := verify.Parse(data); err != nil {
				found.add("signatures", missing, "the keys in secret %s cannot be read: %v", v.Keys.Name, err)
			} else {
				found.add("signatures", works, "keys that count: %d", keys.Len())
			}
		}
	}
	if ref := r.Spec.WebhookSecretRef; ref != nil {
		if data, ok := found.secret(ctx, c, r, "webhook", ref); ok && len(data["token"]) == 0 {
			found.add("webhook", missing, "secret %s has no key token, so that no webhook is believed", ref.Name)
		} else if ok {
			found.add("webhook", works, "webhooks are signed with the token in secret %s", ref.Name)
		}
	}
	if m := r.Spec.Modules; m != nil {
		if _, ok := found.secret(ctx, c, r, "modules", &m.SecretRef); ok {
			found.add("modules", works, "secret %s is there; the next build shows whether it opens %s", m.SecretRef.Name, strings.Join(m.Private, ", "))
		}
	}
	return found
}

// secret reads a Secret; where it cannot, it says so.
func (r *report) secret(ctx context.Context, c client.Reader, repository *v1alpha1.Repository, about string, ref *corev1.LocalObjectReference) (map[string][]byte, bool) {
	if ref == nil {
		return nil, true
	}
	var s corev1.Secret
	err := c.Get(ctx, client.ObjectKey{Namespace: repository.Namespace, Name: ref.Name}, &s)
	switch {
	case apierrors.IsNotFound(err):
		r.add(about, missing, "there is no secret %s in namespace %s", ref.Name, repository.Namespace)
	case apierrors.IsForbidden(err):
		r.add(about, unknown, "not checked, as you may not read secret %s", ref.Name)
	case err != nil:
		r.add(about, unknown, "not checked, as secret %s cannot be read: %v", ref.Name, err)
	}
	return s.Data, err == nil
}

// git asks the git server for its refs.
func (r *report) git(ctx context.Context, c client.Reader, repository *v1alpha1.Repository) {
	secret, ok := r.secret(ctx, c, repository, "git", repository.Spec.SecretRef)
	if !ok {
		return
	}
	session, err := git.NewClient(git.DefaultLimits()).Connect(ctx, repository.Spec.URL, secret)
	if err != nil {
		r.add("git", missing, "%s", git.AsError(err).Error())
		return
	}
	defer session.Close()
	refs, branch := session.Refs(), repository.Spec.ProductionBranch
	at, there := refs["refs/heads/"+branch]
	if !there {
		r.add("git", missing, "%s answers, and has no branch %s", repository.Spec.URL, branch)
		return
	}
	r.add("git", works, "%s can be read; %s is at %s", repository.Spec.URL, branch, v1alpha1.Short(at))
}

// forge asks the forge which rights there are.
func (r *report) forge(ctx context.Context, c client.Reader, repository *v1alpha1.Repository) {
	if repository.Spec.Forge == nil {
		return
	}
	ref := repository.Spec.Forge.SecretRef
	if ref == nil {
		ref = repository.Spec.SecretRef
	}
	if _, ok := r.secret(ctx, c, repository, "forge", ref); !ok {
		return
	}
	asked, err := pool.New(c).Client(ctx, repository)
	var rights []forge.Right
	if err == nil {
		r.add("forge", works, "it is asked as %s", asked.Name())
		rights, err = asked.Rights(ctx)
	}
	var refused *forge.Error
	switch {
	case errors.As(err, &refused) && refused.Reason == v1alpha1.ReasonRateLimited:
		r.add("forge", unknown, "%s", refused.Message)
	case errors.As(err, &refused):
		r.add("forge", missing, "%s", refused.Message)
	case err != nil:
		r.add("forge", unknown, "%v", err)
	}
	for _, right := range rights {
		r.right(right)
	}
}

func (r *report) right(right forge.Right) {
	text := fmt.Sprintf("%s: needed to %s", right.Name, right.For)
	switch {
	case right.Granted == forge.Yes:
		r.add("forge", works, "%s: it can %s", right.Name, right.For)
	case right.Granted == forge.Unknown:
		r.add("forge", unknown, "%s; the forge does not tell whether it is there", text)
	case right.Optional:
		r.add("forge", optional, "%s", text)
	default:
		r.add("forge", missing, "%s", text)
	}
}
