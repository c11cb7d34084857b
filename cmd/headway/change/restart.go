package change

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Restart is the command that replaces the pods of an app.
func Restart(io cli.Streams, a *cli.Access) *cobra.Command {
	return &cobra.Command{
		Use:   "restart APP",
		Short: "Replace the pods of an app by new ones of the same revision",
		Long: `Replace the pods of an app one after the other, without a commit, a build or a
lost request. Who asked and when is noted on the app and in an event.

A Secret or ConfigMap that changed needs no restart: Headway sees it by itself.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.Complete(cli.AppAndPreviewNames),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			who, err := restart(ctx, c, args[0], time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(io.Out, "%s restarts, asked for by %s; headway status %s shows how far it is\n", args[0], who, args[0])
			return err
		}),
	}
}

// restart asks for new pods and returns who did.
func restart(ctx context.Context, c *cli.Cluster, name string, now time.Time) (string, error) {
	var app v1alpha1.App
	if err := c.Find(ctx, "app", name, "headway status", &app); err != nil {
		return "", err
	}
	if app.Status.Live == "" {
		return "", fmt.Errorf("no revision of %s serves, so there is nothing to restart; headway status %s says why", name, name)
	}
	who, err := whoAmI(ctx, c)
	if err != nil {
		return "", err
	}
	return who, c.Annotate(ctx, &app, map[string]string{
		v1alpha1.AnnotationRestartedAt: cli.Stamp(now), v1alpha1.AnnotationRestartedBy: who,
	})
}

// whoAmI is the name by which the cluster knows the user.
func whoAmI(ctx context.Context, c *cli.Cluster) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, cli.RequestTimeout)
	defer cancel()
	review, err := c.Typed.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking the cluster who you are: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}
