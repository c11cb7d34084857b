package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxName is the API's limit for the name of a Repository.
const maxName = 40

type addFlags struct {
	name, branch string
	refs         []string
	interval     time.Duration
	credentials  credentialFlags
	forge        forgeFlags
	verify       verifyFlags
	wait         bool
	timeout      time.Duration
}

func newAdd(io cli.Streams, a *cli.Access) *cobra.Command {
	var f addFlags
	c := &cobra.Command{
		Use:   "add URL",
		Short: "Watch a repository: every headway.yaml in it becomes an app",
		Long: `Watch a repository. Credentials, where it needs any, go into a Secret beside
it and are read from standard input or files, never from the command line. With
--forge its pull requests get previews, and are told about them; with --verify-keys
only commits signed by one of the keys are deployed. Adding the same URL again changes what the flags say.`,
		Example: `  headway repo add https://github.com/acme/shop.git
  headway repo add https://git.example.com/acme/shop.git --username ci --password-stdin < password
  headway repo add https://github.com/acme/shop.git --token-stdin --forge github < token
  headway repo add git@github.com:acme/shop.git --ssh-key ~/.ssh/deploy --known-hosts <(ssh-keyscan github.com)`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, io, a, args[0])
		},
	}
	f.bind(c.Flags())
	return c
}

func (f *addFlags) bind(fl *pflag.FlagSet) {
	fl.StringVar(&f.name, "name", "", "name of the Repository (default: last part of the URL)")
	fl.StringVar(&f.branch, "branch", "main", "branch whose head serves")
	fl.StringSliceVar(&f.refs, "ref", nil, "glob of further branches or tags to build, such as 'release/*' or 'refs/tags/v*'; may be given several times")
	fl.DurationVar(&f.interval, "interval", 30*time.Second, "time between two looks at the remote, at least 1s")
	f.credentials.flags(fl)
	f.forge.flags(fl)
	f.verify.flags(fl)
	fl.BoolVar(&f.wait, "wait", false, "wait until the repository was read once, showing progress")
	fl.DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long --wait waits")
}

func (f *addFlags) run(cmd *cobra.Command, io cli.Streams, a *cli.Access, url string) error {
	if err := checkURL(url); err != nil {
		return err
	}
	if f.name == "" {
		f.name = cli.Name(lastPart(url), maxName)
	}
	if valid := cli.Name(f.name, maxName); valid != f.name {
		return cli.Usagef("--name %q is not a name of at most %d lower-case letters, digits and hyphens, such as %s", f.name, maxName, valid)
	}
	if f.interval < time.Second {
		return cli.Usagef("--interval is %s; it must be at least 1s", f.interval)
	}
	secrets, err := f.secrets(io.In, url)
	if err != nil {
		return err
	}
	return a.Run(func(ctx context.Context, c *cli.Cluster, _ []string) error {
		repository, err := f.apply(ctx, c, cmd, url, secrets)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(io.Out, "repository %s watches %s of %s\n", repository.Name, repository.Spec.ProductionBranch, url); err != nil {
			return err
		}
		if f.forge.kind != "" {
			_, _ = fmt.Fprintf(io.Err, "headway repo check %s says whether its forge gives it all rights\n", repository.Name)
		}
		if !f.wait {
			return nil
		}
		return waitForSync(ctx, c, io, repository, f.timeout)
	})(cmd, nil)
}

// secrets are those that the flags and standard input ask for.
func (f *addFlags) secrets(in io.Reader, url string) ([]secret, error) {
	if f.forge.tokenIn && (f.credentials.passwordIn || f.credentials.token) {
		return nil, cli.Usagef("--forge-token-stdin and %s both read standard input; one token for git and the forge is enough, or add the URL again for the other one", f.credentials.stdinFlag())
	}
	var all []secret
	for _, read := range []func(io.Reader, string) (*secret, error){f.credentials.read, f.forge.read, f.verify.read} {
		s, err := read(in, url)
		if err != nil {
			return nil, err
		}
		if s != nil {
			all = append(all, *s)
		}
	}
	return all, nil
}

// apply writes the Secrets first, so that the watcher never sees a Repository
// without those that it names, and then lets the Repository own them.
func (f *addFlags) apply(ctx context.Context, c *cli.Cluster, cmd *cobra.Command, url string, secrets []secret) (*v1alpha1.Repository, error) {
	r, exists, err := f.current(ctx, c, cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	if exists && r.Spec.URL != url {
		return nil, fmt.Errorf("there is a repository %s already, of %s; choose another name with --name, or remove it first", f.name, r.Spec.URL)
	}
	before := r.DeepCopy()
	r.Spec.URL = url
	f.into(r, exists, cmd.Flags().Changed)
	var written []*corev1.Secret
	for _, s := range secrets {
		object, err := s.apply(ctx, c, f.name, r.UID)
		if err != nil {
			return nil, errors.Join(err, unwrite(ctx, c, written, exists))
		}
		written = append(written, object)
		s.refer(&r.Spec, corev1.LocalObjectReference{Name: object.Name})
	}
	if r.Annotations == nil {
		r.Annotations = map[string]string{}
	}
	r.Annotations[v1alpha1.AnnotationSyncRequestedAt] = time.Now().UTC().Format(time.RFC3339Nano)
	if exists {
		// The watcher writes to it at any moment; only what differs is sent.
		err = c.Patch(ctx, r, client.MergeFrom(before))
	} else {
		err = c.Create(ctx, r)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing repository %s: %w", f.name, err), unwrite(ctx, c, written, exists))
	}
	for _, object := range written {
		if err := own(ctx, c, r, object); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// current is the Repository that there is, or a new one. One that is being
// removed is waited for: what is written to it is lost with it.
func (f *addFlags) current(ctx context.Context, c *cli.Cluster, progress io.Writer) (r *v1alpha1.Repository, exists bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, removalTimeout)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for said := false; ; {
		r = &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: f.name}}
		err := c.Get(ctx, client.ObjectKeyFromObject(r), r)
		switch {
		case apierrors.IsNotFound(err):
			return r, false, nil
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return nil, false, fmt.Errorf("the repository %s that was removed is not gone after %s; is the controller running? Add it again when headway repo list does not show it any more", f.name, removalTimeout)
		case err != nil:
			return nil, false, fmt.Errorf("reading repository %s: %w", f.name, err)
		case r.DeletionTimestamp == nil:
			return r, true, nil
		}
		if !said {
			_, _ = fmt.Fprintf(progress, "waiting until the repository %s that was removed is gone\n", f.name)
			said = true
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// removalTimeout bounds the wait for a Repository that is being removed; the
// watcher lets it go within a second.
const removalTimeout = time.Minute

// into copies the flags: all of them to a new Repository, and to an existing
// one those that were given.
func (f *addFlags) into(r *v1alpha1.Repository, exists bool, given func(string) bool) {
	if !exists || given("branch") {
		r.Spec.ProductionBranch = f.branch
	}
	if !exists || given("interval") {
		r.Spec.Interval = metav1.Duration{Duration: f.interval}
	}
	if !exists || given("ref") {
		r.Spec.Refs = f.refs
	}
	f.forge.into(&r.Spec)
	f.verify.into(&r.Spec)
}
