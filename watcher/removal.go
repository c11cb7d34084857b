package watcher

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// removal is an App that goes, and why.
type removal struct{ app, why string }

// specFiles are the headway.yaml files of the production commit.
type specFiles struct {
	has map[string]bool
	// madeBy is the App that was made from a file.
	madeBy map[string]string
	// outcome is what came of a file in this plan.
	outcome map[string]outcome
}

// outcome is the App that a file is about, and why it cannot be used.
type outcome struct {
	app     string
	trouble *problem
}

func (f facts) openFiles() specFiles {
	files := specFiles{has: map[string]bool{}, madeBy: map[string]string{}, outcome: map[string]outcome{}}
	for _, c := range f.production.apps {
		files.has[c.file] = true
	}
	for _, name := range slices.Sorted(maps.Keys(f.apps)) {
		// A file that has changed its name is its new App's.
		if spec := f.apps[name].Spec; files.madeBy[spec.Path] == "" || !renamed(spec) {
			files.madeBy[spec.Path] = name
		}
	}
	return files
}

func renamed(spec v1alpha1.AppSpec) bool {
	return spec.Problem != nil && spec.Problem.Reason == v1alpha1.ReasonRenamed
}

// leaves decides about an App that no file names any more. It stays with a
// problem until it is sure that nothing is lost with it.
//
//	its file has another name    goes when the App of that name is live
//	... which cannot be used     stays
//	its file is gone             goes
//	... and a new file, whose    stays: that may be where it went
//	name cannot be told, is there
func (f facts) leaves(app *v1alpha1.App, files specFiles) (why *problem, gone string) {
	file := app.Spec.Path
	if !files.has[file] {
		if unknown := f.movedTo(file, files); len(unknown) > 0 {
			return &problem{v1alpha1.ReasonFileMissing,
				fmt.Sprintf("%s is gone from %s, and this app may have moved to a file that cannot be read: %s. It serves on until that file is mended or removed",
					file, shortRef(f.productionRef), firstFew(unknown, func(file string) string { return file }))}, ""
		}
		return nil, fmt.Sprintf("its headway.yaml is gone from %s", shortRef(f.productionRef))
	}
	next := files.outcome[file]
	if succeeds(f.apps[next.app], file) {
		return nil, fmt.Sprintf("%s, as %s names it now, is live", next.app, file)
	}
	message := fmt.Sprintf("%s names another app now", file)
	if next.app != "" {
		message = fmt.Sprintf("%s names this app %s now; %s serves on until %s is live", file, next.app, app.Name, next.app)
	}
	if next.trouble != nil {
		message += fmt.Sprintf(", which it cannot be: %s", strings.TrimPrefix(next.trouble.message, file+": "))
	}
	return &problem{v1alpha1.ReasonRenamed, message}, ""
}

// movedTo are the files that an App whose file is gone may have moved to: those
// that have made no App and whose name cannot be told. One that was there while
// the App's file was, too, is none.
func (f facts) movedTo(file string, files specFiles) []string {
	var unknown []string
	for i := range f.production.apps {
		c := &f.production.apps[i]
		if c.nameless() && files.outcome[c.file].app == "" && !(f.read[file] && f.read[c.file]) {
			unknown = append(unknown, c.file)
		}
	}
	return unknown
}

// succeeds tells whether an App serves what a file says. A host that it has to
// wait for, because the App before it still has it, is no reason to wait.
func succeeds(app *v1alpha1.App, file string) bool {
	if app == nil || app.DeletionTimestamp != nil || app.Spec.Path != file ||
		app.Status.Live == "" || app.Status.ObservedGeneration < app.Generation {
		return false
	}
	ready := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && (ready.Status == "True" || ready.Reason == v1alpha1.ReasonHostConflict)
}
