package checkout

import (
	"strings"

	"github.com/headway-dev/headway/watcher/detect"
)

// Made says in a few words where the image of an app comes from.
func Made(app *detect.App) string {
	if app.Build == nil {
		return "image provided"
	}
	how := "built with " + app.Build.Template
	if main := app.Build.Args["main"]; app.Build.Template == detect.Go {
		how += " from " + main
	}
	if needed := app.Sources.Needed(); len(needed) > 0 {
		how += "; also built from: " + strings.Join(needed, ", ")
	}
	return how
}
