package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Preview is a preview of an app with the request that it belongs to; a request
// that has none is one, too, without an app.
type Preview struct {
	Namespace  string `json:"namespace"`
	Repository string `json:"repository"`
	// Request as people call it: #12, or a branch. Number is 0 for a branch.
	Request string `json:"request"`
	Number  int64  `json:"number"`
	// Of is the app that is previewed, App the name of the App that is the preview;
	// both are empty while there is none.
	Of  string `json:"of,omitempty"`
	App string `json:"app,omitempty"`
	// State in one word: of the request until it has a preview, then of that.
	State State `json:"state"`
	// Commit is the head of the request.
	Commit string `json:"commit,omitempty"`
	// URL of the preview; empty while nothing answers there. RequestURL is where
	// people read the request.
	URL        string `json:"url,omitempty"`
	RequestURL string `json:"requestURL,omitempty"`
	Title      string `json:"title,omitempty"`
	Author     string `json:"author,omitempty"`
	// Fork is true for a commit that is on no branch of the repository.
	Fork bool `json:"fork,omitempty"`
	// Pushed is when the head was seen first, Expires when the preview goes unless
	// something is pushed.
	Pushed  time.Time  `json:"pushed,omitzero"`
	Expires *time.Time `json:"expires,omitempty"`
	// Unset are the variables of production that the preview does not have.
	Unset []string `json:"unset,omitempty"`
	// Reduced are amounts of which it gets less than its request asks for.
	Reduced []v1alpha1.Reduction `json:"reduced,omitempty"`
	// Message says what it waits for, or what is wrong, and what to do.
	Message string `json:"message,omitempty"`
}

// ForPreview explains what an App is a preview of; nil if it is none. Its
// repository, which may be nil, knows the request.
func ForPreview(app *v1alpha1.App, repository *v1alpha1.Repository, revisions []v1alpha1.Revision) *Preview {
	of := app.Spec.Preview
	if of == nil {
		return nil
	}
	p := &Preview{Namespace: app.Namespace, Repository: app.Spec.Repository, Number: of.Request,
		Request: RequestName(of.Request, app.Spec.ProductionRef), Of: of.App, App: app.Name, RequestURL: of.URL,
		URL: app.Status.URL, Fork: of.Fork, Unset: of.Unset, Reduced: of.Reduced, State: previewState(app, revisions)}
	if of.Expires != nil {
		p.Expires = &of.Expires.Time
	}
	for _, h := range app.Spec.Heads {
		p.Commit = h.Commit
	}
	if app.Status.Live == "" {
		p.URL = ""
	}
	if r := request(repository, app); r != nil {
		p.of(r)
		if r.State != v1alpha1.RequestPreviewed {
			p.State = requestState(r)
		}
	}
	return p
}

// previewState is that of the App or, until something of it is live, that of the
// revision that will be.
func previewState(app *v1alpha1.App, revisions []v1alpha1.Revision) State {
	if !app.DeletionTimestamp.IsZero() {
		return State{Obsolete, "Removing"}
	}
	for i := range revisions {
		r := &revisions[i]
		if app.Status.Live == "" && r.Namespace == app.Namespace && isHead(app, r.Name) && current(r) != nil {
			return stateOf(current(r))
		}
	}
	return appState(app)
}

func isHead(app *v1alpha1.App, revision string) bool {
	return slices.ContainsFunc(app.Spec.Heads, func(h v1alpha1.Head) bool { return h.Revision == revision })
}

// of fills in what the request says.
func (p *Preview) of(r *v1alpha1.RequestStatus) {
	p.Commit, p.Title, p.Author, p.Pushed, p.Message = r.Commit, r.Title, r.Author, r.Pushed.Time, r.Message
	p.Fork = p.Fork || r.Fork
	if r.URL != "" {
		p.RequestURL = r.URL
	}
}

// Previews of repositories: a line for each, in the order in which the
// repositories list their requests, then those whose request is closed.
func Previews(repositories []v1alpha1.Repository, apps []v1alpha1.App, revisions []v1alpha1.Revision) []Preview {
	all := []Preview{}
	told := map[*v1alpha1.App]bool{}
	for i := range repositories {
		repository := &repositories[i]
		for j := range repository.Status.Requests {
			r := &repository.Status.Requests[j]
			n := len(all)
			for k := range apps {
				app := &apps[k]
				if belongs(app, repository) && request(repository, app) == r {
					told[app] = true
					all = append(all, *ForPreview(app, repository, revisions))
				}
			}
			if len(all) == n {
				p := Preview{Namespace: repository.Namespace, Repository: repository.Name, Number: r.Number,
					Request: RequestName(r.Number, r.Ref), State: requestState(r)}
				p.of(r)
				all = append(all, p)
			}
		}
	}
	for k := range apps {
		if app := &apps[k]; app.Spec.Preview != nil && !told[app] {
			all = append(all, *ForPreview(app, nil, revisions))
		}
	}
	return all
}

func belongs(app *v1alpha1.App, repository *v1alpha1.Repository) bool {
	return app.Namespace == repository.Namespace && app.Spec.Repository == repository.Name
}

// PreviewFindings are what keeps requests from their previews, and previews from
// what their commits ask for.
func PreviewFindings(repositories []v1alpha1.Repository, apps []v1alpha1.App, revisions []v1alpha1.Revision) []Finding {
	var all []Finding
	for i := range repositories {
		for j := range repositories[i].Status.Requests {
			if f, ok := requestFinding(&repositories[i], &repositories[i].Status.Requests[j]); ok {
				all = append(all, f)
			}
		}
	}
	for i := range apps {
		app := &apps[i]
		if app.Spec.Preview == nil {
			continue
		}
		var found []Finding
		for _, c := range failed(app.Status.Conditions, v1alpha1.ConditionSpecValid, v1alpha1.ConditionReady) {
			found = append(found, finding("app", app, c))
		}
		for j := range revisions {
			r := &revisions[j]
			if len(found) > 0 || r.Namespace != app.Namespace || !isHead(app, r.Name) {
				continue
			}
			if f, ok := revisionFinding(r); ok && f.Severity == Failed {
				found = append(found, f)
			}
		}
		all = append(all, found...)
	}
	return all
}

// Rows say what an App is a preview of.
func (p *Preview) Rows(now time.Time) []Row {
	request := p.Request
	for _, part := range []string{p.Title, inBrackets(p.Author), p.RequestURL} {
		if part != "" {
			request += " " + part
		}
	}
	if p.Fork {
		request += ", from a fork"
	}
	expires := ""
	if p.Expires != nil {
		expires = in(*p.Expires, now) + ", unless something is pushed to it"
	}
	return filled(Row{"Preview of", p.Of}, Row{"Request", request}, Row{"Expires", expires}, Row{"Unset", Unset(p.Unset)}, Row{"Reduced", Reduced(p.Reduced)})
}

// Unset says which variables of production a preview does not have, and how it can
// have others; empty for none.
func Unset(variables []string) string {
	if len(variables) == 0 {
		return ""
	}
	return strings.Join(variables, ", ") + "; production has these from Secrets that previews do not get: give them others in preview.env or preview.secrets of production's headway.yaml"
}

// Reduced says what a preview gets less of than its request asks for, and why;
// empty for nothing.
func Reduced(all []v1alpha1.Reduction) string {
	if len(all) == 0 {
		return ""
	}
	return strings.Join(Amounts(all), ", ") + "; production's headway.yaml allows no more"
}

// Amounts are what a preview gets, and what its request asks for.
func Amounts(all []v1alpha1.Reduction) []string {
	var parts []string
	for _, r := range all {
		parts = append(parts, fmt.Sprintf("%s: %s in the place of %s", r.Key, r.Given, cmp.Or(r.Asked, "no limit")))
	}
	return parts
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("(%s)", s)
}
