package explain

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// ForRepository says how reading a repository is, or what is wrong with it: why
// it cannot be read, then what is wrong with a headway.yaml in it, then what of
// it is left out. The state is the worst of these. What its forge refuses comes
// last, and has a state of its own: see ForForge.
func ForRepository(r *v1alpha1.Repository) (State, []Finding) {
	var all []Finding
	for _, c := range failed(r.Status.Conditions, v1alpha1.ConditionReady, v1alpha1.ConditionSpecValid, v1alpha1.ConditionComplete) {
		all = append(all, finding("repository", r, c))
	}
	state := stateOf(meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady))
	if len(all) > 0 {
		state = State{all[0].Severity, all[0].Reason}
	}
	for _, c := range failed(r.Status.Conditions, v1alpha1.ConditionForge) {
		all = append(all, finding("forge of repository", r, c))
	}
	return state, all
}

// ForForge says how the forge of a repository that has one answers.
func ForForge(r *v1alpha1.Repository) State {
	return stateOf(meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionForge))
}

// Overview finds what is wrong with repositories and apps, each thing once.
// Previews are none of the apps: see PreviewFindings.
func Overview(repositories []v1alpha1.Repository, apps []v1alpha1.App) []Finding {
	var all []Finding
	for i := range repositories {
		_, found := ForRepository(&repositories[i])
		all = append(all, found...)
	}
	for i := range apps {
		app := &apps[i]
		if app.Spec.Preview != nil {
			continue
		}
		types := []string{v1alpha1.ConditionSpecValid, v1alpha1.ConditionReady}
		if slices.ContainsFunc(repositories, func(r v1alpha1.Repository) bool { return reports(&r, app) }) {
			types = types[1:]
		}
		for _, c := range failed(app.Status.Conditions, types...) {
			all = append(all, finding("app", app, c))
		}
	}
	return all
}

// reports is true where the findings of a repository have the problem of an app's
// headway.yaml.
func reports(r *v1alpha1.Repository, app *v1alpha1.App) bool {
	return r.Namespace == app.Namespace && r.Name == app.Spec.Repository &&
		slices.ContainsFunc(r.Status.Apps, func(file v1alpha1.RepositoryApp) bool { return file.Path == app.Spec.Path && file.Error != "" })
}

// Detail finds what keeps one App, and those of the revisions that are its, from
// being what git asks for. Its repository, which may be nil, counts where it cannot be read, and for
// what it says of the request of a preview.
func Detail(app *v1alpha1.App, repository *v1alpha1.Repository, revisions []v1alpha1.Revision) []Finding {
	var all []Finding
	if repository != nil {
		for _, c := range failed(repository.Status.Conditions, v1alpha1.ConditionReady) {
			all = append(all, finding("repository", repository, c))
		}
	}
	if r := request(repository, app); r != nil {
		if f, ok := requestFinding(repository, r); ok {
			all = append(all, f)
		}
	}
	for _, c := range failed(app.Status.Conditions, v1alpha1.ConditionSpecValid, v1alpha1.ConditionReady) {
		all = append(all, finding("app", app, c))
	}
	for i := range revisions {
		r := &revisions[i]
		if f, ok := revisionFinding(r); ok && ofApp(r, app) {
			all = append(all, f)
		}
	}
	return all
}

// ofApp reports whether a revision is one of an App's.
func ofApp(r *v1alpha1.Revision, app *v1alpha1.App) bool {
	return r.Namespace == app.Namespace && r.Spec.App == app.Name
}

// revisionFinding is why a build or a start failed, with the end of the build's
// log, or what it waits for if it has neither failed nor come to its end.
func revisionFinding(r *v1alpha1.Revision) (Finding, bool) {
	c := current(r)
	if c == nil {
		return Finding{}, false
	}
	f := finding("revision", r, c)
	if c.Reason == v1alpha1.ReasonBuildFailed {
		f.Remedy = fmt.Sprintf("push a commit that mends it or, if the source is not at fault, headway retry %s", r.Name)
	}
	if b := r.Status.Build; f.Severity == Failed && b != nil && len(b.LastLogLines) > 0 {
		f.Text += fmt.Sprintf("\nlast lines of step %s:\n  %s", b.FailedStep, strings.Join(b.LastLogLines, "\n  "))
	}
	return f, f.Severity == Failed || f.Severity == Underway && f.Text != ""
}

// current is the condition that says how far a revision is: that of its build
// until it has an image, then that of its pods; nil while there is none.
func current(r *v1alpha1.Revision) *metav1.Condition {
	built := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionBuilt)
	if built != nil && built.Status != metav1.ConditionTrue {
		return built
	}
	return meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionReady)
}
