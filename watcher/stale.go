package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// staleEvery is how often Repositories are checked for when they were looked at.
const staleEvery = time.Minute

// staleness tells of Repositories that nobody has looked at for long: what their
// conditions say is as old. A look that goes well takes that back.
type staleness struct {
	client client.Client
	turns  *turns
	log    *slog.Logger
}

// Start runs until ctx ends.
func (s *staleness) Start(ctx context.Context) error {
	s.turns.begin()
	ticker := time.NewTicker(staleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := s.check(ctx); err != nil {
				s.log.Error("repositories cannot be checked for when they were looked at", "error", err)
			}
		}
	}
}

// check writes Ready where it says more than is known. What is False stays: that
// tells already that something is to be done.
func (s *staleness) check(ctx context.Context) error {
	var repos v1alpha1.RepositoryList
	if err := s.client.List(ctx, &repos); err != nil {
		return fmt.Errorf("listing repositories: %w", err)
	}
	for i := range repos.Items {
		repo := &repos.Items[i]
		if repo.Spec.Suspend || repo.DeletionTimestamp != nil || condition.Get(repo.Status.Conditions, v1alpha1.ConditionReady).Status == metav1.ConditionFalse {
			continue
		}
		message := s.turns.stale(repo.UID, repo.Spec.Interval.Duration)
		if message == "" {
			continue
		}
		before := repo.DeepCopy()
		set(repo, v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonStale, message))
		// A look that writes meanwhile knows more.
		err := s.client.Status().Patch(ctx, repo, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}), apply.Watcher)
		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return fmt.Errorf("writing the status of repository %s: %w", repo.Name, err)
		}
	}
	return nil
}
