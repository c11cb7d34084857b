package checkout

import (
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/plan"
)

// WatchedBy is the name of the Repository that has an app of the same name and
// path as one of the files; empty where none has.
func WatchedBy(files []plan.Candidate, apps []v1alpha1.App) string {
	paths := map[string]string{}
	for _, f := range files {
		if f.Name != "" {
			paths[f.Name] = f.File
		}
	}
	for _, app := range apps {
		if path, there := paths[app.Name]; there && path == app.Spec.Path {
			return app.Spec.Repository
		}
	}
	return ""
}
