package validate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/deploy/templates"
	"github.com/headway-dev/headway/pipelines/contract"
	"github.com/headway-dev/headway/watcher/specfile"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// askFor bounds the question to a cluster that may not be there.
const askFor = 5 * time.Second

// templateCheck checks build.with and build.args as the cluster does. The
// templates that come with Headway are known; others are asked for, once.
type templateCheck struct {
	// installed lists the templates of the cluster.
	installed func(context.Context) ([]template, error)

	asked     bool
	templates []template
	err       error
}

// template is what the CLI has to know of the Task of a build template. Its
// own type, because Tekton's double the size of the program.
type template struct {
	Metadata struct {
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Spec struct {
		Params []struct {
			Name    string `json:"name"`
			Default any    `json:"default"`
		} `json:"params"`
	} `json:"spec"`
}

func (t *template) name() string { return t.Metadata.Labels[v1alpha1.LabelTemplate] }

func (t *template) params() []contract.Param {
	params := make([]contract.Param, len(t.Spec.Params))
	for i, p := range t.Spec.Params {
		params[i] = contract.Param{Name: p.Name, Required: p.Default == nil}
	}
	return params
}

func choose(wanted string, templates []template) (*template, bool) {
	i := slices.IndexFunc(templates, func(t template) bool { return t.name() == wanted })
	if i < 0 {
		return nil, false
	}
	return &templates[i], true
}

// check returns what is wrong, or else why that could not be found out.
func (t *templateCheck) check(ctx context.Context, build *v1alpha1.Build, s *specfile.Spec) (problems specfile.Problems, unchecked string, err error) {
	shipped, err := shippedTemplates()
	if err != nil {
		return nil, "", err
	}
	chosen, known := choose(build.Template, shipped)
	if !known {
		if !t.asked {
			t.templates, t.err = t.installed(ctx)
			t.asked = true
		}
		if t.err != nil {
			return nil, fmt.Sprintf("not checked whether there is a template %q: it does not come with Headway (%s do), and the cluster was not asked: %v",
				build.Template, strings.Join(templateNames(shipped), ", "), t.err), nil
		}
		if chosen, known = choose(build.Template, t.templates); !known {
			return specfile.Problems{s.Problem("build.with", contract.NotFound(build.Template, templateNames(t.templates)).Error())}, "", nil
		}
	}
	var wrong *contract.ArgsError
	if errors.As(contract.CheckArgs(build.Template, chosen.params(), build.Args), &wrong) {
		for _, message := range wrong.Problems {
			problems = append(problems, s.Problem("build.args", message))
		}
	}
	return problems, "", nil
}

// shippedTemplates are the templates that come with this version of Headway.
func shippedTemplates() ([]template, error) {
	names, err := fs.Glob(templates.Files, "*.yaml")
	if err != nil {
		return nil, err
	}
	all := make([]template, len(names))
	for i, name := range names {
		data, err := templates.Files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := yaml.Unmarshal(data, &all[i]); err != nil {
			return nil, fmt.Errorf("reading the template %s: %w", name, err)
		}
	}
	return all, nil
}

func templateNames(all []template) []string {
	var names []string
	for i := range all {
		names = append(names, all[i].name())
	}
	return names
}

// templatesOf lists the templates in a namespace of the cluster.
func templatesOf(a *cli.Access, namespace string) func(context.Context) ([]template, error) {
	return func(ctx context.Context) ([]template, error) {
		ctx, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		c, err := a.Connect()
		if err != nil {
			return nil, err
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "TaskList"})
		err = c.List(ctx, list, client.InNamespace(namespace), client.HasLabels{v1alpha1.LabelTemplate})
		if err != nil {
			return nil, c.Advise(fmt.Errorf("listing build templates: %w", err))
		}
		all := make([]template, len(list.Items))
		for i := range list.Items {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(list.Items[i].Object, &all[i]); err != nil {
				return nil, fmt.Errorf("reading the template %s: %w", list.Items[i].GetName(), err)
			}
		}
		return all, nil
	}
}
