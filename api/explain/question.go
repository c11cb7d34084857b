package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/nearest"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// Objects are what a namespace holds.
type Objects struct {
	Repositories []v1alpha1.Repository
	Apps         []v1alpha1.App
	Revisions    []v1alpha1.Revision
	Routes       []v1alpha1.Route
}

// Why answers a question about an app, a revision, the host of a request (a URL
// stands for its host), or a pull request without a preview. The error says that
// there is no such thing.
func Why(question string, s Objects, now time.Time) (*Answer, error) {
	if app := s.app(question); app != nil {
		a := s.forHead(app, now)
		a.About = "app " + app.Name
		return a, nil
	}
	for i := range s.Apps {
		if app := &s.Apps[i]; s.knows(app, question) {
			a := s.forRevision(app, question, now)
			a.About = "revision " + question
			return a, nil
		}
	}
	if a := s.forRequest(question); a != nil {
		return a, nil
	}
	return s.forHost(hostOf(question), question, now)
}

// forRequest answers for a pull request that has no preview, by its number or by
// the name that the preview would have; nil where there is none.
func (s Objects) forRequest(question string) *Answer {
	for i := range s.Repositories {
		for j := range s.Repositories[i].Status.Requests {
			r := &s.Repositories[i].Status.Requests[j]
			name := RequestName(r.Number, r.Ref)
			of, named := strings.CutSuffix(question, fmt.Sprintf("-pr-%d", r.Number))
			if app := s.app(of); r.Number == 0 || question != name && (!named || app == nil || !belongs(app, &s.Repositories[i])) {
				continue
			}
			a := &Answer{About: "request " + name, Commit: r.Commit, Subject: r.Title, Author: r.Author, Ref: r.Ref,
				Text: fmt.Sprintf("%s has no preview: %s", name, r.State), Why: r.Message}
			if len(r.Previews) > 0 {
				a.Text = fmt.Sprintf("%s has previews: %s", name, strings.Join(r.Previews, ", "))
			}
			return a
		}
	}
	return nil
}

func (s Objects) repository(app *v1alpha1.App) *v1alpha1.Repository {
	if i := slices.IndexFunc(s.Repositories, func(r v1alpha1.Repository) bool { return belongs(app, &r) }); i >= 0 {
		return &s.Repositories[i]
	}
	return nil
}

// hostOf is the host in what a person copies from a browser.
func hostOf(question string) string {
	if _, rest, is := strings.Cut(question, "://"); is {
		question = rest
	}
	host, _, _ := strings.Cut(question, "/")
	host, _, _ = strings.Cut(host, ":")
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func (s Objects) app(name string) *v1alpha1.App {
	if i := slices.IndexFunc(s.Apps, func(a v1alpha1.App) bool { return a.Name == name }); i >= 0 {
		return &s.Apps[i]
	}
	return nil
}

func (s Objects) revision(name string) *v1alpha1.Revision {
	if i := slices.IndexFunc(s.Revisions, func(r v1alpha1.Revision) bool { return r.Name == name }); i >= 0 {
		return &s.Revisions[i]
	}
	return nil
}

// knows reports whether a revision is or was one of the app's.
func (s Objects) knows(app *v1alpha1.App, name string) bool {
	if r := s.revision(name); r != nil {
		return r.Spec.App == app.Name
	}
	return app.Status.Revision(name) != nil || slices.ContainsFunc(app.Status.Deployments, func(d v1alpha1.Deployment) bool { return d.Revision == name })
}

// forHost answers for the revision or the app that a host leads to.
func (s Objects) forHost(host, question string, now time.Time) (*Answer, error) {
	var hosts []string
	for i := range s.Routes {
		route := &s.Routes[i]
		app := s.app(route.Spec.App)
		if app == nil {
			continue
		}
		hosts = append(hosts, route.Spec.Hosts...)
		if slices.Contains(route.Spec.Hosts, host) {
			a := s.forHead(app, now)
			a.About = "host " + host
			a.Text = fmt.Sprintf("%s is app %s: %s", host, app.Name, split(route)) + "; " + a.Text
			return a, nil
		}
		for _, r := range route.Spec.RevisionHosts {
			hosts = append(hosts, r.Host)
			if r.Host == host {
				a := s.forRevision(app, r.Revision, now)
				a.About = "host " + host
				a.Text = fmt.Sprintf("%s leads to revision %s alone, whatever its part of the traffic is; %s", host, r.Revision, a.Text)
				return a, nil
			}
		}
	}
	for i := range s.Apps {
		if app := &s.Apps[i]; slices.Contains(app.Spec.Hosts, host) {
			a := &Answer{About: "host " + host, App: app.Name, Text: fmt.Sprintf("%s is a host that %s asks for and does not have", host, app.Name)}
			for _, c := range failed(app.Status.Conditions, v1alpha1.ConditionReady) {
				a.Why = c.Message
			}
			return a, nil
		}
	}
	return nil, s.unknown(question, host, hosts)
}

// unknown is the error of a question about nothing there is.
func (s Objects) unknown(question, host string, hosts []string) error {
	names := hosts
	for i := range s.Apps {
		names = append(names, s.Apps[i].Name)
	}
	for i := range s.Revisions {
		names = append(names, s.Revisions[i].Name)
	}
	meant := ""
	if near := nearest.To(question, names); near != "" {
		meant = fmt.Sprintf("; did you mean %s?", near)
	} else if near := nearest.To(host, names); near != "" {
		meant = fmt.Sprintf("; did you mean %s?", near)
	}
	if strings.ContainsAny(question, ".:/") {
		return &UnknownError{fmt.Sprintf("no app and no revision answers at host %s, so that a request gets 404%s", host, meant)}
	}
	return &UnknownError{fmt.Sprintf("there is no app and no revision %s%s", question, meant)}
}

// UnknownError is that of a question about nothing that Why knows.
type UnknownError struct{ text string }

func (e *UnknownError) Error() string { return e.text }

// split is how the requests of a Route's hosts go.
func split(r *v1alpha1.Route) string {
	var parts []string
	for _, m := range r.Spec.Matches {
		parts = append(parts, fmt.Sprintf("requests with %s go to %s", matching(&m.Match), m.Revision))
	}
	for _, t := range r.Spec.Traffic {
		if t.Weight > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", v1alpha1.Percent(t.Weight), t.Revision))
		}
	}
	if len(parts) == 0 {
		return "no revision is ready to take its requests"
	}
	return strings.Join(parts, ", ")
}
