package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// secret is a Secret beside a Repository.
type secret struct {
	// suffix makes its name of that of the Repository.
	suffix string
	data   map[string][]byte
	// refer names it in the Repository.
	refer func(*v1alpha1.RepositorySpec, corev1.LocalObjectReference)
}

// apply writes it. A Secret that belongs to a Repository that was removed is about
// to be deleted with it; it makes room for a new one.
func (s secret) apply(ctx context.Context, c *cli.Cluster, name string, repository types.UID) (*corev1.Secret, error) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: name + s.suffix}}
	left := &corev1.Secret{}
	err := c.Get(ctx, client.ObjectKeyFromObject(secret), left)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("reading secret %s: %w", secret.Name, err)
	}
	if err == nil && leftBehind(left, repository) {
		err := c.Delete(ctx, left, client.Preconditions{UID: &left.UID})
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("removing the secret %s of the repository that was removed: %w", secret.Name, err)
		}
	}
	_, err = controllerutil.CreateOrUpdate(ctx, c, secret, func() error {
		if !secret.CreationTimestamp.IsZero() && secret.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy {
			return fmt.Errorf("it exists and was not made by headway repo add; remove it, or choose another --name")
		}
		if secret.Labels == nil {
			secret.Labels = map[string]string{}
		}
		secret.Labels[v1alpha1.LabelManagedBy] = v1alpha1.ManagedBy
		secret.Data = s.data
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("writing secret %s: %w", secret.Name, err)
	}
	return secret, nil
}

// leftBehind reports whether a Secret of repo add belongs to an earlier
// Repository of the same name.
func leftBehind(secret *corev1.Secret, repository types.UID) bool {
	return secret.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy &&
		slices.ContainsFunc(secret.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == "Repository" && o.UID != repository })
}

// own lets the Secret go when the Repository goes.
func own(ctx context.Context, c *cli.Cluster, r *v1alpha1.Repository, secret *corev1.Secret) error {
	before := secret.DeepCopy()
	if err := controllerutil.SetOwnerReference(r, secret, c.Scheme()); err != nil {
		return fmt.Errorf("letting repository %s own secret %s: %w", r.Name, secret.Name, err)
	}
	if err := c.Patch(ctx, secret, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("letting repository %s own secret %s: %w", r.Name, secret.Name, err)
	}
	return nil
}

// unwrite takes the Secrets of a Repository away that could not be made: nothing
// else ever would.
func unwrite(ctx context.Context, c *cli.Cluster, written []*corev1.Secret, exists bool) error {
	var all error
	for _, secret := range written {
		if !exists {
			all = errors.Join(all, client.IgnoreNotFound(c.Delete(ctx, secret)))
		}
	}
	return all
}
