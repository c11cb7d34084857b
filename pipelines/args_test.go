package pipelines

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/pipelines/contract"
)

func TestCheckArgs(t *testing.T) {
	needsStack := shipped(t, "go")
	needsStack.Spec.Params[4].Default = nil
	needy, err := TemplateOf(needsStack)
	if err != nil {
		t.Fatal(err)
	}
	bare := shipped(t, "go")
	bare.Spec.Params = bare.Spec.Params[:4]
	plain, err := TemplateOf(bare)
	if err != nil {
		t.Fatal(err)
	}
	docker := shippedTemplate(t, "dockerfile")
	for _, test := range []struct {
		name     string
		template Template
		args     map[string]string
		want     []string
	}{
		{"none", docker, nil, nil},
		{"good", docker, map[string]string{"target": "prod", "build-args": "A=$HOME\nB=2"}, nil},
		{"slip", docker, map[string]string{"tagret": "prod"},
			[]string{`template "dockerfile" has no argument "tagret"; did you mean "target"? It takes: build-args, context, dockerfile, target`}},
		{"nothing near", docker, map[string]string{"x": ""},
			[]string{`template "dockerfile" has no argument "x"; it takes: build-args, context, dockerfile, target`}},
		{"given by Headway", docker, map[string]string{"image": "evil"},
			[]string{`template "dockerfile" has no argument "image"; it takes: build-args, context, dockerfile, target`}},
		{"expansion", docker, map[string]string{"target": "$(workspaces.registry.path)", "build-args": "A=$$B"}, []string{
			`build.args.build-args must not contain "$(" or "$$", save $(commit): Kubernetes would expand it`,
			`build.args.target must not contain "$(" or "$$", save $(commit): Kubernetes would expand it`}},
		{"the commit", docker, map[string]string{"build-args": "COMMIT=$(commit)\nNOTE=at $(commit)"}, nil},
		{"an expansion around the commit", docker, map[string]string{"target": "$($(commit))"},
			[]string{`build.args.target must not contain "$(" or "$$", save $(commit): Kubernetes would expand it`}},
		{"no arguments", plain, map[string]string{"main": "."},
			[]string{`template "go" takes no arguments; remove build.args.main`}},
		{"missing", needy, nil, []string{`template "go" needs the argument "main"; set build.args.main`}},
		{"several", needy, map[string]string{"mian": "."}, []string{
			`template "go" needs the argument "main"; set build.args.main`,
			`template "go" has no argument "mian"; did you mean "main"? It takes: files, ldflags, main, tags`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := CheckArgs(test.template, test.args)
			var got []string
			if problem := new(contract.ArgsError); errors.As(err, &problem) {
				got = problem.Problems
				if err.Error() != strings.Join(got, "\n") {
					t.Errorf("Error() = %q", err)
				}
			} else if err != nil {
				t.Fatalf("error of type %T", err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
