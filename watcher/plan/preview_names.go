package plan

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// maxPreviewName is the longest name of a preview's App: those of its Revisions
	// have to fit into labels.
	maxPreviewName = 45
	// secretDigits are the hexadecimal digits of a host that nobody can guess: 48
	// bits.
	secretDigits = 12
	nameDigits   = 6
)

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// previewNames gives the Apps of previews their names, one to one.
type previewNames struct {
	facts Facts
	// apps are the names that the files of production ask for.
	apps map[string]bool
	// given are the previews that have a name, by it, and has the other way round.
	given, has map[string]string
}

func (f Facts) openNames() *previewNames {
	n := &previewNames{facts: f, apps: map[string]bool{}, given: map[string]string{}, has: map[string]string{}}
	for _, c := range f.Production.Apps {
		n.apps[c.Name] = true
	}
	for _, name := range sortedKeys(f.Previews) {
		p := f.Previews[name].Spec
		n.give(name, identify(p.Preview.App, p.Preview.Request, p.ProductionRef))
	}
	return n
}

func (n *previewNames) give(name, id string) { n.given[name], n.has[id] = id, name }

// identify names what is previewed: an app and a request, wherever its head is,
// or an app and a branch.
func identify(app string, number int64, ref string) string {
	if number > 0 {
		ref = ""
	}
	return fmt.Sprintf("%s/%d/%s", app, number, ref)
}

// of is the name of a preview: the one that it has, else <app>-pr-<number> or
// <app>-br-<branch>, with a hash at its end where that does not fit or is that of
// another preview. One that something else has is a problem.
func (n *previewNames) of(app string, r *Request) (string, *Problem) {
	id := identify(app, r.Number, r.Ref)
	if name := n.has[id]; name != "" {
		return name, n.taken(name, app)
	}
	name := fmt.Sprintf("%s-pr-%d", app, r.Number)
	if r.Number == 0 {
		slug := strings.ToLower(strings.TrimPrefix(r.Ref, headsPrefix))
		name = app + "-br-" + strings.Trim(notSlug.ReplaceAllString(slug, "-"), "-")
	}
	if _, other := n.given[name]; other || len(name) > maxPreviewName || strings.HasSuffix(name, "-") {
		sum := sha256.Sum256([]byte(id))
		end := "-" + hex.EncodeToString(sum[:])[:nameDigits]
		name = strings.TrimRight(name[:min(len(name), maxPreviewName-len(end))], "-") + end
	}
	n.give(name, id)
	return name, n.taken(name, app)
}

// taken is the problem of a name that an App has which is no preview.
func (n *previewNames) taken(name, app string) *Problem {
	switch owner := n.facts.Foreign[name]; {
	case owner != "":
		return NewProblem(v1alpha1.ReasonNameConflict, "%s: its preview would be %s, and the App of this name belongs to Repository %q; give one of the two apps another name", app, name, owner)
	case n.apps[name] || n.facts.Apps[name] != nil:
		return NewProblem(v1alpha1.ReasonNameConflict, "%s: its preview would be %s, which is an app of its own; give one of the two another name", app, name)
	}
	return nil
}

// host is what the host of a preview begins with. One that is not public cannot
// be guessed without the UID of the Repository. It stays while the request does,
// whatever is pushed.
func (f Facts) host(name string, public bool, app string, r *Request) string {
	if public {
		return name
	}
	mac := hmac.New(sha256.New, []byte(f.UID))
	_, _ = mac.Write([]byte(identify(app, r.Number, r.Ref))) // never fails
	return name + "-" + hex.EncodeToString(mac.Sum(nil))[:secretDigits]
}
