// Package change has the commands that change what runs without a commit, and
// nothing that git decides: retry and restart.
package change

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Retry is the command that tries a revision again.
func Retry(io cli.Streams, a *cli.Access) *cobra.Command {
	return &cobra.Command{
		Use:   "retry REVISION",
		Short: "Try a revision again whose build failed, or that was rolled back",
		Long: `Ask for a failed build, or the failed setup of a preview, to be tried again, or
for a revision that has failed while it served to take the traffic once more: for
failures that were not the commit's fault. A mistake in the source is fixed by a new commit.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(failedRevisions),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			var r v1alpha1.Revision
			if err := c.Find(ctx, "revision", args[0], "headway status APP", &r); err != nil {
				return err
			}
			var app v1alpha1.App
			if err := c.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: r.Spec.App}, &app); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("reading app %s: %w", r.Spec.App, err)
			}
			quarantined := app.Status.Role(r.Name) == v1alpha1.RoleQuarantined
			setupFailed := meta.IsStatusConditionFalse(app.Status.Conditions, v1alpha1.ConditionPrepared)
			if err := retriable(&r); err != nil && !quarantined && !setupFailed {
				return err
			}
			if err := c.Annotate(ctx, &r, map[string]string{v1alpha1.AnnotationRetriedAt: cli.Stamp(time.Now())}); err != nil {
				return err
			}
			next := "is built again; headway logs " + r.Name + " --build -f follows it"
			switch {
			case setupFailed:
				next = "is set up again; headway status " + r.Spec.App + " shows it"
			case quarantined:
				next = "takes the traffic again when it is the one that should; headway status " + r.Spec.App + " shows it"
			}
			_, err := fmt.Fprintln(io.Out, r.Name, next)
			return err
		}),
	}
}

func failedRevisions(ctx context.Context, c *cli.Cluster) []string {
	return cli.RevisionNames(ctx, c, func(r *v1alpha1.Revision) bool {
		return meta.IsStatusConditionFalse(r.Status.Conditions, v1alpha1.ConditionBuilt)
	})
}

// retriable explains why a build cannot be tried again, if it cannot.
func retriable(r *v1alpha1.Revision) error {
	switch c := condition.Get(r.Status.Conditions, v1alpha1.ConditionBuilt); {
	case c.Status != metav1.ConditionFalse:
		return fmt.Errorf("the build of %s has not failed; there is nothing to try again", r.Name)
	case c.Reason == v1alpha1.ReasonSuperseded:
		return fmt.Errorf("nothing points at %s any more (%s); a build of it would not be used", r.Name, c.Message)
	case c.Reason == v1alpha1.ReasonInvalidArgs:
		return fmt.Errorf("%s cannot be built as it is (%s); change headway.yaml and push", r.Name, c.Message)
	}
	return nil
}
