package plan

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// trial is an app of a request as a preview would run it.
type trial struct {
	// spec is what the request's headway.yaml says, held to what production's
	// allows. Links are not in it yet.
	spec specfile.Spec
	// unset are variables that production has and the preview has not.
	unset []string
	// reduced are amounts of which the preview gets less than was asked for.
	reduced []v1alpha1.Reduction
	// refused are the places in the request's file that ask for more.
	refused specfile.Problems
}

// restrict holds the headway.yaml of a request to what that of production allows.
// Of its own only this counts: how the app is built, its files, and plain values.
//
//	a Secret that preview.secrets maps      the one that it maps it to
//	... that preview.env or preview.secrets stays
//	    names as what previews get
//	... that production has in the same     left out, and told
//	    variable
//	any other                               refused
//	a ConfigMap                             the same, and of an own branch each
//	                                        that production's env names stays
//	another build template, an image,       refused to a fork
//	    other rules of release
//	resources, scale.max                    as production's at most; what is
//	                                        reduced is told
//	scale.min, scale.standby                0: no pods without requests
func restrict(head, production *Candidate, fork bool) trial {
	t := trial{spec: *head.Spec}
	p := production.Spec.Preview
	set := map[string]bool{}
	for _, e := range p.Env {
		set[e.Name] = true
	}
	for name := range p.Link {
		set[name] = true
	}
	allowed := allowedBy(production, fork)
	t.spec.Env = slices.Clone(p.Env)
	for _, e := range head.Spec.Env {
		if set[e.Name] {
			continue
		}
		switch allowed.judge(&e) {
		case taken:
			t.spec.Env = append(t.spec.Env, e)
		case leftOut:
			t.unset = append(t.unset, e.Name)
		case refused:
			t.refuse(head, "env."+e.Name, "%s is not for previews: they get the Secrets and ConfigMaps that preview.env and preview.secrets name in %s on production. Add it there, or write a plain value", written(e), production.File)
		}
	}
	if fork {
		t.restrictFork(head, production)
	}
	t.reduce(production.Spec)
	return t
}

// restrictFork looks at how a commit is built that is on no branch.
func (t *trial) restrictFork(head, production *Candidate) {
	is, was := head.App.Build, production.App.Build
	switch {
	case is == nil:
		t.refuse(head, "image", "a request from a fork is built from its files; push the commit to a branch of this repository to try another image")
	case was == nil || is.Template != was.Template:
		instead := "image"
		if was != nil {
			instead = "the template " + was.Template
		}
		t.refuse(head, "build.with", "a request from a fork is built as production is, which has %s, and this file comes to %s; push the commit to a branch of this repository to try another one", instead, is.Template)
	}
	if !reflect.DeepEqual(head.Spec.Release, production.Spec.Release) {
		t.refuse(head, "release", "a request from a fork may not have other rules of release than %s on production; take them over, by a rebase where production has changed them", production.File)
	}
}

func (t *trial) refuse(c *Candidate, key, format string, args ...any) {
	p := c.Spec.Problem(key, fmt.Sprintf(format, args...))
	p.File = c.File
	t.refused = append(t.refused, p)
}

// link sets the variables that have the URL of another app, and completes the
// trial. url gives it, "" where there is no such app.
func (t *trial) link(to map[string]string, url func(app string) string) {
	for _, name := range slices.Sorted(maps.Keys(to)) {
		if at := url(to[name]); at != "" {
			t.spec.Env = append(t.spec.Env, v1alpha1.EnvVar{Name: name, Value: at})
		} else {
			t.unset = append(t.unset, name)
		}
	}
	slices.SortFunc(t.spec.Env, func(a, b v1alpha1.EnvVar) int { return cmp.Compare(a.Name, b.Name) })
	slices.Sort(t.unset)
}

// candidate is the app as the preview runs it.
func (t *trial) candidate(head *Candidate) *Candidate {
	c := *head
	c.Spec, c.specHash = &t.spec, frozenHash(&t.spec, head.App)
	return &c
}

// verdict is what becomes of a variable.
type verdict int

const (
	taken verdict = iota
	leftOut
	refused
)

// references are the Secrets and ConfigMaps that a preview may have.
type references struct {
	secrets, configs map[string]bool
	// instead maps Secrets to those that previews get.
	instead map[string]string
	// production are its variables.
	production map[string]v1alpha1.EnvVar
}

func allowedBy(production *Candidate, fork bool) references {
	p := production.Spec.Preview
	r := references{secrets: map[string]bool{}, configs: map[string]bool{}, instead: p.Secrets, production: map[string]v1alpha1.EnvVar{}}
	for _, to := range p.Secrets {
		r.secrets[to] = true
	}
	for _, e := range p.Env {
		if e.Secret != nil {
			r.secrets[e.Secret.Name] = true
		}
		if e.Config != nil {
			r.configs[e.Config.Name] = true
		}
	}
	for _, e := range production.Spec.Env {
		r.production[e.Name] = e
		if e.Config != nil && !fork {
			r.configs[e.Config.Name] = true
		}
	}
	return r
}

// judge decides about a variable of a request, and puts the Secret that previews
// get into the place of another.
func (r references) judge(e *v1alpha1.EnvVar) verdict {
	was := r.production[e.Name]
	switch {
	case e.Secret == nil && e.Config == nil:
		return taken
	case e.Secret != nil && r.instead[e.Secret.Name] != "":
		e.Secret = &v1alpha1.KeyRef{Name: r.instead[e.Secret.Name], Key: e.Secret.Key}
		return taken
	case e.Secret != nil && r.secrets[e.Secret.Name], e.Config != nil && r.configs[e.Config.Name]:
		return taken
	case same(e.Secret, was.Secret) && same(e.Config, was.Config):
		return leftOut
	}
	return refused
}

func same(a, b *v1alpha1.KeyRef) bool { return a == b || a != nil && b != nil && *a == *b }

// written is a reference as headway.yaml has it.
func written(e v1alpha1.EnvVar) string {
	if e.Secret != nil {
		return "secret://" + e.Secret.Name + "/" + e.Secret.Key
	}
	return "config://" + e.Config.Name + "/" + e.Config.Key
}
