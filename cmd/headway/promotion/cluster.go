package promotion

import (
	"context"
	"fmt"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ask reads an app from the cluster, in the place of a COMMIT that is not given.
func ask(ctx context.Context, a *cli.Access, name string) (*v1alpha1.App, *cli.Cluster, error) {
	c, err := a.Connect()
	if err != nil {
		return nil, nil, fmt.Errorf("%w. It is asked which commit is meant; with a COMMIT behind %s it is not", err, name)
	}
	app := &v1alpha1.App{}
	return app, c, c.Advise(c.Find(ctx, "app", name, "headway status", app))
}

// productionBranch is the one that the cluster follows for an app.
func productionBranch(ctx context.Context, c *cli.Cluster, app *v1alpha1.App) (string, error) {
	var r v1alpha1.Repository
	if err := c.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: app.Spec.Repository}, &r); err != nil {
		return "", c.Advise(fmt.Errorf("reading repository %s: %w", app.Spec.Repository, err))
	}
	return r.Spec.ProductionBranch, nil
}

// before is the commit to go back to: while a candidate has traffic beside the
// live one, that of the live one; else that of the newest deployment before
// whose revision has not failed.
func before(app *v1alpha1.App) (string, error) {
	s := &app.Status
	if len(s.Deployments) == 0 {
		return "", fmt.Errorf("nothing of %s has been live, so there is nothing to go back to", app.Name)
	}
	live := s.Deployments[0]
	for _, r := range s.Revisions {
		if r.Role == v1alpha1.RoleCandidate && r.Weight > 0 {
			return live.Commit, nil
		}
	}
	for _, d := range s.Deployments[1:] {
		if d.Commit != live.Commit && s.Role(d.Revision) != v1alpha1.RoleQuarantined {
			return d.Commit, nil
		}
	}
	return "", fmt.Errorf("no deployment before %s is known that has not failed; headway history %s lists them, and headway rollback %s COMMIT takes any commit", live.Revision, app.Name, app.Name)
}

// target is the commit of the one revision that waits for the verb.
func (v verb) target(ctx context.Context, c *cli.Cluster, app *v1alpha1.App) (string, error) {
	name, err := v.waits(app)
	if err != nil {
		return "", err
	}
	var r v1alpha1.Revision
	if err := c.Find(ctx, "revision", name, "headway status "+app.Name, &r); err != nil {
		return "", c.Advise(err)
	}
	return r.Spec.Commit, nil
}

// waits is the revision that the verb is about: the head of a ref of which a
// revision is on trial, on its way to all of the traffic or, to be approved, with
// a share. Only of heads a tag says anything.
func (v verb) waits(app *v1alpha1.App) (string, error) {
	var found []string
	done := ""
	for _, t := range app.Status.Trials {
		rule := app.Spec.RuleFor(t.Ref)
		asked := t.Ref == app.Spec.ProductionRef
		if v == approve {
			asked = rule != nil && rule.Approve
		}
		switch head := headOf(app, t.Ref); {
		case !asked || head == nil:
		case v == approve && head.Approved || v == promote && head.Promoted:
			done = head.Revision
		default:
			found = append(found, head.Revision)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", fmt.Errorf("several revisions wait: %s; name the COMMIT of one", cli.Enumerate(found))
	case done != "":
		return "", fmt.Errorf("%s is %s already; headway status %s says what it waits for", done, v.done, app.Name)
	case v == approve:
		return "", fmt.Errorf("no revision of %s waits for approval; headway status %s shows what happens", app.Name, app.Name)
	}
	return "", fmt.Errorf("no revision of %s is on its way to all of the traffic; headway status %s shows what is live", app.Name, app.Name)
}

// headOf is what a ref points at; nil where the app is not in it.
func headOf(app *v1alpha1.App, ref string) *v1alpha1.Head {
	for i := range app.Spec.Heads {
		if app.Spec.Heads[i].Ref == ref {
			return &app.Spec.Heads[i]
		}
	}
	return nil
}
