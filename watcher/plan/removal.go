package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// Removal is an App that goes, and why. Next is the App that its file names now; ""
// for none.
type Removal struct{ App, Why, Next string }

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
	app string
	why *Problem
}

func (f Facts) openFiles() specFiles {
	files := specFiles{has: map[string]bool{}, madeBy: map[string]string{}, outcome: map[string]outcome{}}
	for _, c := range f.Production.Apps {
		files.has[c.File] = true
	}
	for _, name := range slices.Sorted(maps.Keys(f.Apps)) {
		// A file that has changed its name is its new App's.
		if spec := f.Apps[name].Spec; files.madeBy[spec.Path] == "" || !Renamed(spec) {
			files.madeBy[spec.Path] = name
		}
	}
	return files
}

// Renamed reports whether the file of an App has another name now.
func Renamed(spec v1alpha1.AppSpec) bool {
	return spec.Problem != nil && spec.Problem.Reason == v1alpha1.ReasonRenamed
}

// leaves decides about an App that no file names any more. It stays with a
// problem until it is sure that nothing is lost with it.
//
//	its file has another name    goes when the App of that name is live
//	... which cannot be used     stays, if it has events: the other one cannot get them
//	its file is gone             goes
//	... and a new file, whose    stays: that may be where it went
//	name cannot be told, is there
func (f Facts) leaves(app *v1alpha1.App, files specFiles) (why *Problem, gone string) {
	file := app.Spec.Path
	if !files.has[file] {
		if unknown := f.movedTo(file, files); len(unknown) > 0 {
			return NewProblem(v1alpha1.ReasonFileMissing, "%s is gone from %s, and this app may have moved to a file that cannot be read: %s. It serves on until that file is corrected or removed",
				file, v1alpha1.ShortRef(f.ProductionRef), FirstFew(unknown)), ""
		}
		return nil, fmt.Sprintf("its headway.yaml is gone from %s", v1alpha1.ShortRef(f.ProductionRef))
	}
	next := files.outcome[file]
	if succeeds(f.Apps[next.app], file) && (next.why == nil || !f.hasEvents(app.Name)) {
		return nil, fmt.Sprintf("%s, as %s names it now, is live", next.app, file)
	}
	message := fmt.Sprintf("%s names another app now", file)
	if next.app != "" {
		message = fmt.Sprintf("%s names this app %s now; %s serves on until %s is live", file, next.app, app.Name, next.app)
	}
	if next.why != nil {
		message += fmt.Sprintf(", which it cannot be: %s", strings.TrimPrefix(next.why.Message, file+": "))
	}
	return &Problem{v1alpha1.ReasonRenamed, message}, ""
}

// movedTo are the files that an App whose file is gone may have moved to: those
// that have made no App and whose name cannot be told. One that was there while
// the App's file was, too, is none.
func (f Facts) movedTo(file string, files specFiles) []string {
	var unknown []string
	for i := range f.Production.Apps {
		c := &f.Production.Apps[i]
		if c.nameless() && files.outcome[c.File].app == "" && (!f.Read[file] || !f.Read[c.File]) {
			unknown = append(unknown, c.File)
		}
	}
	return unknown
}

// succeeds reports whether an App serves what a file says. A host that it has to
// wait for, because the App before it still has it, is no reason to wait.
func succeeds(app *v1alpha1.App, file string) bool {
	if app == nil || app.DeletionTimestamp != nil || app.Spec.Path != file ||
		app.Status.Live == "" || app.Status.ObservedGeneration < app.Generation {
		return false
	}
	ready := condition.Get(app.Status.Conditions, v1alpha1.ConditionReady)
	return ready.Status == "True" || ready.Reason == v1alpha1.ReasonHostConflict
}
