package repo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newSync(io cli.Streams, a *cli.Access) *cobra.Command {
	var wait bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:               "sync NAME",
		Short:             "Look at a repository at once",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(repositoryNames),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			r, err := find(ctx, c, args[0])
			if err != nil {
				return err
			}
			if err := c.Annotate(ctx, r, map[string]string{v1alpha1.AnnotationSyncRequestedAt: cli.Stamp(time.Now())}); err != nil {
				return err
			}
			if wait {
				return waitForSync(ctx, c, io, r, timeout)
			}
			_, err = fmt.Fprintf(io.Out, "repository %s is looked at now\n", r.Name)
			return err
		}),
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait until it was, showing progress")
	c.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long --wait waits")
	return c
}

// waitForSync waits until the watcher has read the repository once since the
// sync that r's annotation asks for, telling what it says on the way.
func waitForSync(ctx context.Context, c *cli.Cluster, io cli.Streams, r *v1alpha1.Repository, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	wanted, said := r.Annotations[v1alpha1.AnnotationSyncRequestedAt], ""
	for {
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("repository %s was not read within %s (last: %s); headway status shows what follows", r.Name, timeout, cli.OrDash(said))
			}
			return errors.New("interrupted; the repository goes on being watched")
		case <-tick.C:
		}
		err := c.Get(ctx, client.ObjectKeyFromObject(r), r)
		if ctx.Err() != nil {
			continue
		} else if err != nil {
			return fmt.Errorf("reading repository %s: %w", r.Name, err)
		}
		progress, done := syncProgress(r, wanted)
		if progress != said && progress != "" {
			_, _ = fmt.Fprintln(io.Err, progress)
			said = progress
		}
		if done {
			return syncOutcome(io, r)
		}
	}
}

// syncProgress is what to tell about a repository, and whether the wanted look
// at it is over.
func syncProgress(r *v1alpha1.Repository, wanted string) (text string, done bool) {
	c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady)
	if c == nil {
		return "waiting for the watcher", false
	}
	current := r.Status.ObservedGeneration >= r.Generation && r.Status.LastHandledSync == wanted
	onItsWay := c.Status == metav1.ConditionUnknown
	if !current && !onItsWay {
		return "", false // the outcome of an earlier look
	}
	return fmt.Sprintf("%s: %s", c.Reason, c.Message), !onItsWay
}

// syncOutcome prints the apps that were found, and fails where one cannot be
// used.
func syncOutcome(io cli.Streams, r *v1alpha1.Repository) error {
	if meta.IsStatusConditionFalse(r.Status.Conditions, v1alpha1.ConditionReady) {
		return cli.ErrReported // said as the last progress
	}
	failed := false
	for _, app := range r.Status.Apps {
		if app.Error != "" {
			failed = true
			_, _ = fmt.Fprintln(io.Err, strings.TrimRight(app.Error, "\n"))
			continue
		}
		_, _ = fmt.Fprintf(io.Out, "app %s (%s)\n", app.Name, app.Path)
	}
	if failed {
		return cli.ErrReported
	}
	return nil
}
