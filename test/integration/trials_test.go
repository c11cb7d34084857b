//go:build integration

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
)

// canary is an App whose rule is a canary of 1% and 25%. It stays at a step, as
// nobody sends the requests that it waits for.
func (s shop) canary(change fields) {
	s.Helper()
	spec := fields{
		"metadata.name": s.name,
		"spec.history":  []any{s.name + "-2", s.name + "-1"},
		"spec.heads":    []any{head("refs/heads/main", s.name+"-2")},
		"spec.sticky":   map[string]any{},
		"spec.release": []any{map[string]any{
			"refs": "main", "canary": map[string]any{"steps": []any{int64(100), int64(2500)}, "every": "1s"},
			"gates": map[string]any{"errors": int64(10000), "minRequests": int64(1), "budget": int64(20)},
		}},
	}
	for path, value := range change {
		spec[path] = value
	}
	mustApply(s.T, in(reconciled, app(spec)), watcher)
}

// carries plays the autoscaler: a revision has pods for all of the traffic.
func (s shop) carries(revision string) {
	s.Helper()
	rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: revision}}
	patch := fmt.Appendf(nil, `{"status":{"scaling":{"from":0,"to":1,"reason":"its first pods","at":%q,"carries":%d}}}`,
		time.Now().UTC().Format(metav1.RFC3339Micro), v1alpha1.Whole)
	if err := api.Status().Patch(s.Context(), rev, client.RawPatch(types.MergePatchType, patch), apply.Autoscaler); err != nil {
		s.Fatal(err)
	}
}

// waitTraffic waits until the Route has a split, and the App says so.
func (s shop) waitTraffic(want ...v1alpha1.TrafficTarget) (app *v1alpha1.App) {
	s.Helper()
	eventually(s.T, fmt.Sprintf("the split is %v", want), func() error {
		route, err := get(s.T, reconciled, s.name, &v1alpha1.Route{})
		if err != nil {
			return err
		}
		if diff := cmp.Diff(want, route.Spec.Traffic); diff != "" {
			return fmt.Errorf("(-want +got):\n%s", diff)
		}
		if app, err = get(s.T, reconciled, s.name, &v1alpha1.App{}); err != nil {
			return err
		}
		for _, target := range want {
			if role := app.Status.Revision(target.Revision); role == nil || role.Weight != target.Weight {
				return fmt.Errorf("of %s the App says %+v", target.Revision, role)
			}
		}
		return nil
	})
	return app
}

// TestFailingCanary: answers that are bad take a candidate to 0% at once, and
// neither a new controller nor another look tries it again. The rule asks for a
// revert.
func TestFailingCanary(t *testing.T) {
	s := newShop(t, "fails")
	s.revision("fails-1", "tree1")
	s.push("fails-1")
	s.build("fails-1", sha)
	s.start("fails-1")
	s.waitLive("fails-1")
	s.revision("fails-2", "tree2")
	rule := map[string]any{
		"refs": "main", "canary": map[string]any{"steps": []any{int64(500)}, "every": "1s"}, "onFail": "revert",
		"gates": map[string]any{"errors": int64(10000), "minRequests": int64(200)},
	}
	s.canary(fields{"spec.release": []any{rule}, "spec.sticky": nil})
	s.build("fails-2", strings.ReplaceAll(sha, "1", "2"))
	s.start("fails-2")
	s.carries("fails-2")
	s.waitTraffic(v1alpha1.TrafficTarget{Revision: "fails-1", Weight: 9500}, v1alpha1.TrafficTarget{Revision: "fails-2", Weight: 500, Salt: "fails-2"})

	var bad uint64
	var took time.Duration
	gone := []v1alpha1.TrafficTarget{{Revision: "fails-1", Weight: v1alpha1.Whole}, {Revision: "fails-2", Salt: "fails-2"}}
	eventually(t, "it is at 0%", func() error {
		begun := time.Now()
		bad++
		answered(map[string]gate.Measured{"fails-1": {Arrived: 20 * bad}, "fails-2": {Arrived: bad, Bad: bad}})
		for time.Since(begun) < 100*time.Millisecond { // the next report
			route, err := get(t, reconciled, s.name, &v1alpha1.Route{})
			if err != nil {
				return err
			}
			if took = time.Since(begun); cmp.Equal(gone, route.Spec.Traffic) {
				return nil
			}
		}
		return fmt.Errorf("after %d bad answers it has traffic", bad)
	})
	if bad > 10 {
		t.Errorf("at 0%% after %d bad answers", bad)
	}
	t.Logf("at 0%% after %d bad answers, %s after the last report", bad, took)
	check := func() {
		t.Helper()
		app := s.waitTraffic(gone...)
		role, ask := app.Status.Revision("fails-2"), app.Status.Commit
		if role.Role != v1alpha1.RoleQuarantined || !strings.Contains(role.Message, "errors: 100% of") {
			t.Errorf("it is %+v", role)
		}
		if ask == nil || ask.Action != v1alpha1.CommitRevert || ask.Branch != "refs/heads/main" || !strings.Contains(ask.Message, "errors: 100% of") {
			t.Errorf("the commit that is asked for is %+v", ask)
		}
	}
	check()
	restartReconcilers(t)
	for i := range 5 {
		s.canary(fields{"spec.release": []any{rule}, "spec.sticky": nil, "spec.hosts": []any{fmt.Sprintf("fails-%d.example.com", i)}})
		check()
	}
}

// TestCanary: a step is taken when the pods are there, outlives the controller,
// gives way to a pin, and begins again after that; a tag skips what is left.
func TestCanary(t *testing.T) {
	s := newShop(t, "canary")
	s.revision("canary-1", "tree1")
	s.push("canary-1")
	s.build("canary-1", sha)
	s.start("canary-1")
	s.waitLive("canary-1")
	s.revision("canary-2", "tree2")
	s.canary(nil)
	s.build("canary-2", strings.ReplaceAll(sha, "1", "2"))
	s.start("canary-2")

	eventually(t, "the candidate waits for its pods", func() error {
		app, err := get(t, reconciled, s.name, &v1alpha1.App{})
		if err != nil {
			return err
		}
		role, trial := app.Status.Revision("canary-2"), app.Status.Trial("canary-2")
		if trial == nil || role == nil || role.Coming != 100 || role.Weight != 0 || trial.Step != 0 {
			return fmt.Errorf("%+v, %+v", role, trial)
		}
		return nil
	})
	s.carries("canary-2")
	split := []v1alpha1.TrafficTarget{{Revision: "canary-1", Weight: 9900}, {Revision: "canary-2", Weight: 100, Salt: "canary-2", Budget: 20}}
	before := s.waitTraffic(split...).Status.Trial("canary-2")
	if before.Step != 1 || before.Stable != "canary-1" {
		t.Errorf("the trial is %+v", before)
	}
	route, err := get(t, reconciled, s.name, &v1alpha1.Route{})
	if err != nil || route.Spec.Sticky == nil {
		t.Errorf("the Route is not sticky: %+v, %v", route.Spec, err)
	}

	restartReconcilers(t)
	s.canary(fields{"spec.hosts": []any{"canary.example.com"}}) // something to do for it
	eventually(t, "the new controller has looked", func() error {
		app, err := get(t, reconciled, s.name, &v1alpha1.App{})
		if err == nil && app.Status.ObservedGeneration != app.Generation {
			err = fmt.Errorf("it has seen generation %d", app.Status.ObservedGeneration)
		}
		return err
	})
	after := s.waitTraffic(split...).Status.Trial("canary-2")
	if after == nil || !after.Began.Equal(&before.Began) || !after.Since.Equal(&before.Since) || after.Step != 1 {
		t.Errorf("after a restart the trial is %+v, want %+v", after, before)
	}

	s.canary(fields{"spec.pin": "canary-1"})
	if app := s.waitTraffic(v1alpha1.TrafficTarget{Revision: "canary-1", Weight: v1alpha1.Whole}); len(app.Status.Trials) != 0 {
		t.Errorf("beside a pin there are trials: %+v", app.Status.Trials)
	}
	s.canary(nil)
	if trial := s.waitTraffic(split...).Status.Trial("canary-2"); trial.Began.Equal(&before.Began) {
		t.Error("the trial goes on after a pin, want it to begin again")
	}
	promoted := head("refs/heads/main", "canary-2").(map[string]any)
	promoted["promoted"] = true
	s.canary(fields{"spec.heads": []any{promoted}})
	s.waitLive("canary-2")
}

// TestSecretsChangeWhileNobodyLooks: a controller that starts learns at once which
// Secrets have changed before, and of later changes as its predecessor did.
func TestSecretsChangeWhileNobodyLooks(t *testing.T) {
	s := newShop(t, "away")
	secret := func(name string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: name}, StringData: map[string]string{"url": "one"}}
	}
	before, after := secret("away-before"), secret("away-after")
	var history []string
	for i, db := range []*corev1.Secret{before, after} {
		name := fmt.Sprintf("away-%d", i+1)
		if err := api.Create(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		mustApply(t, in(reconciled, revision(fields{
			"metadata.name": name, "spec.app": "away", "spec.source.key": name, "spec.build.template": "static",
			"spec.env": []any{map[string]any{"name": "DB", "secret": map[string]any{"name": db.Name, "key": "url"}}},
		})), watcher)
		history = append([]string{name}, history...)
		s.push(history...)
		s.build(name, strings.ReplaceAll(sha, "1", fmt.Sprint(i+2)))
		s.start(name)
		s.waitLive(name)
	}
	marks := []string{s.waitMark("away-1", ""), s.waitMark("away-2", "")}
	change := func(db *corev1.Secret) {
		db.StringData = map[string]string{"url": "two"}
		if err := api.Update(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	if err := running.stop(); err != nil {
		t.Fatal(err)
	}
	change(before)
	if err := runReconcilers(context.Background()); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	s.waitMark("away-1", marks[0])
	learned := time.Since(begun)
	change(after)
	begun = time.Now()
	s.waitMark("away-2", marks[1])
	t.Logf("of the change before it knew %s after its start, and of the one after within %s", learned, time.Since(begun))
}
