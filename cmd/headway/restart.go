package main

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func newRestart(io streams, a *access) *cobra.Command {
	return &cobra.Command{
		Use:   "restart APP",
		Short: "Replace the pods of an app by new ones of the same revision",
		Long: `Replace the pods of an app one after the other, without a commit, a build or a
lost request. Who asked and when is noted on the app and told in an event.

A Secret or ConfigMap that changed needs no restart: Headway sees it by itself.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeApps,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			who, err := restart(cmd.Context(), c, args[0], time.Now())
			if err != nil {
				return explain(err, c.host)
			}
			_, err = fmt.Fprintf(io.out, "%s restarts, asked for by %s; headway status %s shows how far it is\n", args[0], who, args[0])
			return err
		},
	}
}

// restart asks for new pods and returns who did.
func restart(ctx context.Context, c *cluster, name string, now time.Time) (string, error) {
	var app v1alpha1.App
	err := c.Get(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}, &app)
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading app %s: %w", name, err)
	} else if err != nil {
		return "", notFound(ctx, c, c.namespace, name)
	}
	if app.Status.Live == "" {
		return "", fmt.Errorf("no revision of %s serves, so there is nothing to restart; headway status %s says why", name, name)
	}
	who, err := whoAmI(ctx, c)
	if err != nil {
		return "", err
	}
	return who, annotateWith(ctx, c, &app, map[string]string{
		v1alpha1.AnnotationRestartedAt: stamp(now), v1alpha1.AnnotationRestartedBy: who,
	})
}

// whoAmI is the name by which the cluster knows the user.
func whoAmI(ctx context.Context, c *cluster) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	review, err := c.typed.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking the cluster who you are: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}
