package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	planner "github.com/headway-dev/headway/watcher/plan"
)

// Preview is the preview that a push of a branch gives an app, or would have once
// a pull request is open.
type Preview struct {
	// Name of its App; with <n> for the number while there is no request.
	Name string `json:"name"`
	// URL where it answers already; Host is a pattern where it does not.
	URL  string `json:"url,omitempty"`
	Host string `json:"host,omitempty"`
	// Opens is what makes it; empty where the push alone does.
	Opens string `json:"opens,omitempty"`
	// Unset are the variables of production that it does not get; Secrets those
	// that it gets in the place of others, and Link variables with the URLs of
	// other apps.
	Unset   []string          `json:"unset,omitempty"`
	Secrets map[string]string `json:"secrets,omitempty"`
	Link    map[string]string `json:"link,omitempty"`
	// Reduced are amounts of which it gets less than the branch asks for.
	Reduced []v1alpha1.Reduction `json:"reduced,omitempty"`
	// Refused: there would be none, and Problem is why.
	Refused bool   `json:"refused,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// previews are those of the branch that is pushed, by app.
func (s *observed) previews(w world) map[string]*Preview {
	all := map[string]*Preview{}
	if s.ref == s.production || s.base.snapshot == nil || v1alpha1.InMergeQueue(s.ref) {
		return all
	}
	for _, o := range planner.Outlooks(s.base.snapshot, s.pushed.snapshot, s.began.snapshot, v1alpha1.ShortRef(s.ref), false) {
		p := &Preview{Name: o.Name, Unset: o.Unset, Secrets: o.Secrets, Link: o.Link, Reduced: o.Reduced}
		p.Host = p.Name + ".<domain>"
		if !o.Public {
			p.Host = p.Name + "-<12 characters>.<domain>"
		}
		if strings.HasSuffix(o.Name, "-pr-<n>") {
			p.Opens = "a pull request"
		}
		if there := w.preview(o.App, s.ref); there != nil {
			p.Name, p.Host, p.Opens, p.URL = there.Name, there.Spec.Preview.Host+".<domain>", "", there.Status.URL
		}
		if o.Problem != nil {
			p.Refused, p.Problem = true, o.Problem.Message
		}
		all[o.App] = p
	}
	return all
}

// preview is the one that an app has of a branch; nil where there is none.
func (w world) preview(app, ref string) *v1alpha1.App {
	for _, p := range w.previews {
		if p.Spec.Preview.App == app && p.Spec.ProductionRef == ref {
			return p
		}
	}
	return nil
}

// rows say what the preview is, or why there is none.
func (p *Preview) rows() []explain.Row {
	if p == nil {
		return nil
	}
	if p.Refused {
		return []explain.Row{{Title: "Preview", Text: "none, as it is refused"}, {Title: "Refused", Text: p.Problem}}
	}
	text := fmt.Sprintf("%s, at %s", p.Name, p.Host)
	switch {
	case p.URL != "":
		text = fmt.Sprintf("%s, which gets the commit, at %s", p.Name, p.URL)
	case p.Opens != "":
		text += ", as soon as there is " + p.Opens
	}
	rows := []explain.Row{{Title: "Preview", Text: text}, {Title: "Unset", Text: explain.Unset(p.Unset)}, {Title: "Reduced", Text: explain.Reduced(p.Reduced)}}
	for _, from := range slices.Sorted(maps.Keys(p.Secrets)) {
		rows = append(rows, explain.Row{Title: "Secret", Text: fmt.Sprintf("%s in the place of %s", p.Secrets[from], from)})
	}
	for _, name := range slices.Sorted(maps.Keys(p.Link)) {
		rows = append(rows, explain.Row{Title: "Link", Text: fmt.Sprintf("%s is the URL of %s: of its preview, where the branch changes it, else of production", name, p.Link[name])})
	}
	return rows
}
