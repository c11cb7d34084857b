package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestCommand holds what Kubernetes does with command and args against what a
// parked pod is given to start: with both, the app is the same process.
func TestCommand(t *testing.T) {
	image := &v1alpha1.ImageConfig{Entrypoint: []string{"/app", "$HOME"}, Cmd: []string{"serve", "$(PORT)"}}
	for name, tc := range map[string]struct {
		command, args []string
		config        *v1alpha1.ImageConfig
		parked        []string // nil: cannot park
	}{
		"the image's":          {nil, nil, image, []string{"/app", "$$HOME", "serve", "$$(PORT)"}},
		"args":                 {nil, []string{"-addr=:$(PORT)", "$$5"}, image, []string{"/app", "$$HOME", "-addr=:$(PORT)", "$$5"}},
		"command":              {[]string{"./run", "-v"}, nil, image, []string{"./run", "-v"}},
		"both":                 {[]string{"./run"}, []string{"-v"}, image, []string{"./run", "-v"}},
		"args without image":   {nil, []string{"-v"}, nil, nil},
		"command, image lost":  {[]string{"./run"}, []string{"-v"}, nil, []string{"./run", "-v"}},
		"args are the program": {nil, []string{"./run"}, &v1alpha1.ImageConfig{}, []string{"./run"}},
		"nothing":              {nil, nil, &v1alpha1.ImageConfig{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			rev := newRevision(func(r *v1alpha1.Revision) { r.Spec.Command, r.Spec.Args = tc.command, tc.args })
			main, err := Deployment(rev, "x@"+digest, tc.config, "")
			if err != nil {
				t.Fatal(err)
			}
			app := main.Spec.Template.Spec.Containers[0]
			if diff := cmp.Diff([][]string{tc.command, tc.args}, [][]string{app.Command, app.Args}); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
			if problem := CannotPark(rev, park, tc.config); (problem != "") != (tc.parked == nil) {
				t.Fatalf("cannot park: %q", problem)
			}
			if tc.parked == nil {
				return
			}
			standby := Standby(main, rev, tc.config, park, 1)
			waiting := standby.Spec.Template.Spec.Containers[0]
			if diff := cmp.Diff([][]string{{v1alpha1.ParkProgram}, tc.parked}, [][]string{waiting.Command, waiting.Args}); diff != "" {
				t.Errorf("parked pod (-want +got):\n%s", diff)
			}
		})
	}
}
