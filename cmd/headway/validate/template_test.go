package validate

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

func TestTemplateCheck(t *testing.T) {
	shipped, err := shippedTemplates()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dockerfile", "go", "static"}, templateNames(shipped)); diff != "" {
		t.Fatalf("templates that come with Headway (-want +got)\n%s", diff)
	}
	own := shipped[1]
	own.Metadata.Labels = map[string]string{v1alpha1.LabelTemplate: "hugo"}
	for _, c := range []struct {
		name, template string
		args           map[string]string
		err            error
		problem, note  string
		asks           int
	}{
		{"one that comes with Headway", "go", map[string]string{"main": "."}, nil, "", "", 0},
		{"an argument that it has not", "go", map[string]string{"mian": "."}, nil, `template "go" has no argument "mian"; did you mean "main"?`, "", 0},
		{"one of the cluster", "hugo", map[string]string{"main": "x"}, nil, "", "", 1},
		{"its arguments", "hugo", map[string]string{"dir": "x"}, nil, `template "hugo" has no argument "dir"`, "", 1},
		{"none of the cluster", "node", nil, nil, `no build template is called "node"; installed: go, hugo`, "", 1},
		{"no cluster", "node", nil, errors.New("it sleeps"), "",
			`not checked whether there is a template "node": it does not come with Headway (dockerfile, go, static do), and the cluster was not asked: it sleeps`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			asks := 0
			check := &templateCheck{installed: func(context.Context) ([]template, error) {
				asks++
				return []template{shipped[1], own}, c.err
			}}
			for range 2 { // the second answer is the first one
				problems, note, err := check.check(t.Context(), &v1alpha1.Build{Template: c.template, Args: c.args}, &specfile.Spec{})
				said := ""
				if len(problems) > 0 {
					said = problems[0].Message
				}
				if err != nil || note != c.note || (c.problem == "") != (said == "") || !strings.Contains(said, c.problem) {
					t.Errorf("got %q, note %q, %v; want %q, note %q", said, note, err, c.problem, c.note)
				}
			}
			if asks != c.asks {
				t.Errorf("asked the cluster %d times, want %d", asks, c.asks)
			}
		})
	}
}
