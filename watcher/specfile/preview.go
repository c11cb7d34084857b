package specfile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Preview says which previews requests get. Only the file on the production
// branch counts.
type Preview struct {
	// NoForks: requests from forks get none. Otherwise a person has to approve
	// each commit.
	NoForks bool
	// NoDrafts: drafts get none.
	NoDrafts bool
	// Public: the host can be guessed.
	Public bool
	// TTL is how long after the last push a preview stays.
	TTL time.Duration
	// Max is how many requests of the repository have previews at once.
	Max int32
	// Branches are globs of branches that have previews without a request.
	Branches []string
	// Env are variables that previews have in the place of the request's. Sorted
	// by name.
	Env []v1alpha1.EnvVar
	// Secrets say which Secret previews get in the place of another.
	Secrets map[string]string
	// Link are variables with the URL of another app, by their names.
	Link map[string]string
	// Mirror: previews get copies of the events of production.
	Mirror bool `json:",omitempty"`
	// Setup runs before a preview takes its first request, Teardown when it goes.
	Setup, Teardown []string

	disabled bool
}

const (
	defaultTTL = 72 * time.Hour
	maxTTL     = 90 * 24 * time.Hour
	defaultMax = 10
)

// Names reports whether a branch, by its short name, has previews without a
// request. A glob without ** matches whole names, not all below a folder.
func (p *Preview) Names(branch string) bool {
	return slices.ContainsFunc(p.Branches, func(pattern string) bool {
		glob, err := ParseGlob(pattern)
		deep := strings.Contains(pattern, "**")
		return err == nil && glob.Match(branch) && (deep || strings.Count(pattern, "/") == strings.Count(branch, "/"))
	})
}

// previewRow is the key preview.
var previewRow = row{
	name: "preview", byDefault: "no previews",
	doc: "Each pull request gets a [preview](previews.md) of the app, at a host of its own. `true` is all defaults. Only the file on the production branch counts.",
	value: switchOrObject[Spec]{
		set: func(s *Spec, v bool) { s.Preview = newPreview(); s.Preview.disabled = !v },
		objectOf: object{rows: previewRows, example: "{ttl: 72h, max: 10, secrets: {shop-db: shop-db-preview}}",
			begin: func(s *Spec) { s.Preview = newPreview() }},
	},
}

func newPreview() *Preview { return &Preview{TTL: defaultTTL, Max: defaultMax} }

var previewRows = []row{
	{
		name: "enabled", byDefault: "true",
		doc:   "Whether requests get previews.",
		value: booleanOf[Spec]{set: func(s *Spec, v bool) { s.Preview.disabled = !v }},
	},
	{
		name: "forks", byDefault: "approve",
		doc: "`approve`: a request from a fork gets its preview when a person who may write approves the commit. `never`: it gets none.",
		value: text{what: "approve or never", example: "approve", pattern: "^(approve|never)$", most: 7,
			set: func(s *Spec, v string) error { s.Preview.NoForks = v == "never"; return nil }},
	},
	{
		name: "drafts", byDefault: "true",
		doc:   "Whether drafts get previews.",
		value: booleanOf[Spec]{set: func(s *Spec, v bool) { s.Preview.NoDrafts = !v }},
	},
	{
		name: "public", byDefault: "false",
		doc:   "`true`: the host is `<app>-pr-<number>`. `false`: it ends with twelve characters that nobody can guess.",
		value: booleanOf[Spec]{set: func(s *Spec, v bool) { s.Preview.Public = v }},
	},
	{
		name: "ttl", byDefault: "72h",
		doc: "How long a preview stays after the last push. It comes back with the next one.",
		value: duration{min: time.Hour, max: maxTTL, example: "72h",
			set: func(s *Spec, v time.Duration) { s.Preview.TTL = v }},
	},
	{
		name: "max", byDefault: "10",
		doc: "How many requests of the repository have previews at once; further ones wait for a place. The largest number among its apps counts.",
		value: integer{min: 1, max: 100, example: 10,
			set: func(s *Spec, v int32) { s.Preview.Max = v }},
	},
	{
		name: "branches", byDefault: "none",
		doc: "Globs of branches that have previews without a pull request. `*` matches within one part of a name, `**` any number of them.",
		value: list{what: "globs of branches", most: 16, item: text{what: "a glob of branches", example: "feat/**",
			pattern: `^[^\s~^:\\{}!]+$`, most: 255, set: addPreviewBranch}},
	},
	{
		name: "env", byDefault: "none",
		doc: "Variables that previews have in the place of the request's own, as in `env`.",
		value: table{what: "a variable's name: letters, digits and _, not beginning with a digit", pattern: envName,
			example: "{LOG: debug, DB: secret://shop-db-preview/url}", most: 256, set: setPreviewEnv},
	},
	{
		name: "secrets", byDefault: "none",
		doc: "Secrets that previews get in the place of others: where `env` names the first one, a preview takes the same key of the second.",
		value: table{what: "the name of a Secret", pattern: objectName.String(),
			example: "{shop-db: shop-db-preview}", most: 64, set: setPreviewSecret},
	},
	{
		name: "link", byDefault: "none",
		doc: "Variables with the URL of another app of the repository: that of its preview in the same request, or else that of production.",
		value: table{what: "a variable's name: letters, digits and _, not beginning with a digit", pattern: envName,
			example: "{API_URL: api}", most: 64, set: setPreviewLink},
	},
	{
		name: "events", byDefault: "own",
		doc: "Events that previews get, on [branches of the channels](events.md#previews): `own`, those that are sent there, or `mirror`, also copies of production's.",
		value: text{what: "own or mirror", example: "mirror", pattern: "^(own|mirror)$", most: 6,
			set: func(s *Spec, v string) error { s.Preview.Mirror = v == "mirror"; return nil }},
	},
	{
		name: "setup", byDefault: "nothing",
		doc: "Command that runs in the preview's image and environment, once, before it takes its first request. No shell.",
		value: list{what: "words", most: 64, item: word("./migrate",
			func(s *Spec, v string) error { return addWord(&s.Preview.Setup, v) })},
	},
	{
		name: "teardown", byDefault: "nothing",
		doc: "Command that runs like `setup` when the preview goes, for at most 2 minutes.",
		value: list{what: "words", most: 64, item: word("./drop-database",
			func(s *Spec, v string) error { return addWord(&s.Preview.Teardown, v) })},
	},
}

func addPreviewBranch(s *Spec, v string) error {
	if strings.HasPrefix(v, "refs/") {
		return fmt.Errorf("begins with refs/; write the name of the branch alone, such as %s", v1alpha1.ShortRef(v))
	}
	glob, err := ParseGlob(v)
	if err == nil {
		s.Preview.Branches = append(s.Preview.Branches, glob.String())
	}
	return err
}

func setPreviewEnv(s *Spec, name, v string) error {
	env, err := readVariable(name, v)
	if err == nil {
		s.Preview.Env = append(s.Preview.Env, env)
	}
	return err
}

func setPreviewSecret(s *Spec, from, to string) error {
	if !objectName.MatchString(to) {
		return fmt.Errorf("expected the name of a Secret, such as shop-db-preview, but found %q", clip(to))
	}
	if s.Preview.Secrets == nil {
		s.Preview.Secrets = map[string]string{}
	}
	s.Preview.Secrets[from] = to
	return nil
}

func setPreviewLink(s *Spec, name, app string) error {
	if err := settable(name); err != nil {
		return err
	}
	if !appName.MatchString(app) || len(app) > MaxName {
		return fmt.Errorf("expected the name of an app, such as api, but found %q", clip(app))
	}
	if s.Preview.Link == nil {
		s.Preview.Link = map[string]string{}
	}
	s.Preview.Link[name] = app
	return nil
}

func addWord(to *[]string, v string) error {
	if v == "" && len(*to) == 0 {
		return errors.New("begins with an empty word; expected the program to run, such as ./migrate")
	}
	*to = append(*to, v)
	return nil
}

// acrossPreview: a variable has one source.
func (r *reader) acrossPreview(p *Preview) {
	if p == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(p.Link)) {
		if slices.ContainsFunc(p.Env, func(e envVar) bool { return e.Name == name }) {
			r.failAt(r.at["preview.link."+name], "preview.link."+name, "is set by preview.env, too; keep one of the two")
		}
	}
}

// finish puts a Preview into its one canonical form; nil where there are none.
func (p *Preview) finish() *Preview {
	if p == nil || p.disabled {
		return nil
	}
	slices.Sort(p.Branches)
	p.Branches = slices.Compact(p.Branches)
	slices.SortFunc(p.Env, func(a, b envVar) int { return strings.Compare(a.Name, b.Name) })
	return p
}
