package feedback

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// marker is the first line of the comment, by which it is found again.
const marker = "<!-- headway:preview -->"

// gone is what the comment of a closed request says.
const gone = marker + "\nThe request is closed, and its previews are gone.\n"

// imageOf begins the lines that compare a preview with production.
const imageOf = "Image of "

// sameNews reports whether two comments say the same, apart from how a preview
// compares with production. That stays as it was when the comment was written:
// else each deployment to production would be a write to every open request.
func sameNews(a, b string) bool { return news(a) == news(b) }

func news(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if line != "\n" && !strings.HasPrefix(line, imageOf) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// comment adds the one comment of a request. Whatever others have written stands
// in code spans, in the middle of a line.
func (v *view) comment(r *v1alpha1.RequestStatus, previews []preview) {
	c := Comment{Number: r.Number, Commit: r.Commit, Final: true}
	switch r.State {
	case v1alpha1.RequestPreviewed:
		c.Create = len(previews) > 0
		c.Final = len(previews) == len(r.Previews)
	case v1alpha1.RequestWaiting, v1alpha1.RequestInvalid:
		c.Create = true
	}
	var b strings.Builder
	b.WriteString(marker + "\n")
	switch {
	case r.State == v1alpha1.RequestInvalid && len(previews) > 0:
		fmt.Fprintf(&b, "Not all of %s can have a preview: %s\n", Code(v1alpha1.Short(r.Commit)), Code(r.Message))
	case r.State != v1alpha1.RequestPreviewed:
		fmt.Fprintf(&b, "No preview of %s: %s\n", Code(v1alpha1.Short(r.Commit)), Code(r.Message))
	case r.Message != "":
		fmt.Fprintf(&b, "Note: %s\n", Code(r.Message))
	}
	if len(previews) > 0 {
		b.WriteString("\n| app | preview | commit | build | state |\n|---|---|---|---|---|\n")
	}
	for _, p := range previews {
		if p.build.State == forge.Pending || p.build.State == forge.Success && p.ready.State == forge.Pending {
			c.Final = false
		}
		p.row(&b)
	}
	notes(&b, previews)
	c.Text = b.String()
	v.wanted.Comments = append(v.wanted.Comments, c)
}

// row is the app's line of the table.
func (p *preview) row(b *strings.Builder) {
	cells := []string{Code(p.app.Spec.Preview.App), link(p.app.Status.URL), Code(v1alpha1.Short(p.commit)), sentence(p.build), sentence(p.ready)}
	if p.build.State == forge.Failure {
		cells[3], cells[4] = "failed", Code(p.build.Description)
	}
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}

// sentence is a status in a cell of the table. What is good is in Headway's own
// words but for names.
func sentence(s Status) string {
	switch s.State {
	case forge.Failure:
		return "failed: " + Code(s.Description)
	case forge.Success:
		return s.Description
	}
	return Code(s.Description)
}

// link to a URL that Headway has formed.
func link(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" {
		return "none yet"
	}
	return fmt.Sprintf("[%s](%s)", u.Hostname(), to)
}

// notes are what there is to know of previews beside their states, how their images
// compare with production, and how traffic moves after the merge. What is true of
// several apps is said once.
func notes(b *strings.Builder, previews []preview) {
	var order [][2]string // what is said before the names of apps, and after them
	apps := map[[2]string][]string{}
	say := func(p *preview, before, after string) {
		text := [2]string{before, after}
		if apps[text] == nil {
			order = append(order, text)
		}
		apps[text] = append(apps[text], Code(p.app.Spec.Preview.App))
	}
	for i := range previews {
		if unset := codes(previews[i].app.Spec.Preview.Unset); unset != "" {
			say(&previews[i], "Not set in the preview of ", ", as previews do not get these Secrets: "+unset+".")
		}
	}
	for i := range previews {
		if less := codes(explain.Amounts(previews[i].app.Spec.Preview.Reduced)); less != "" {
			say(&previews[i], "Reduced in the preview of ", ", as `headway.yaml` on production allows no more: "+less+".")
		}
	}
	for i := range previews {
		if image := explain.ImageBeside(previews[i].runs, previews[i].live); image != "" {
			say(&previews[i], imageOf, ": "+image+".")
		}
	}
	for i := range previews {
		say(&previews[i], "Traffic of ", " after the merge: "+previews[i].traffic()+".")
	}
	for _, text := range order {
		fmt.Fprintf(b, "\n%s%s%s\n", text[0], strings.Join(apps[text], ", "), text[1])
	}
}

// traffic is how it moves by the rule of production.
func (p *preview) traffic() string {
	var rule explain.Rule
	if p.production == nil {
		rule = explain.ForRule(nil)
	} else {
		rule = explain.ForRule(p.production.Spec.RuleFor(p.production.Spec.ProductionRef))
	}
	text := rule.Traffic
	if rule.Before != "" {
		text += ". Before that: " + Code(rule.Before)
	}
	if rule.Gates != "" {
		text += ". Gates: " + Code(rule.Gates)
	}
	return text
}
