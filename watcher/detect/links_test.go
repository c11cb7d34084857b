package detect

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/specfile"
)

// TestLinkedSources: what a link leads to is a source too.
func TestLinkedSources(t *testing.T) {
	for _, c := range []struct {
		name   string
		files  map[string]string
		spec   specfile.Spec
		needed string
		err    string
	}{
		{"a file outside", map[string]string{"a/x": "-> ../lib/x", "lib/x": "", "lib/y": ""}, specfile.Spec{}, "lib/x", ""},
		{"a file inside", map[string]string{"a/x": "-> b/x", "a/b/x": ""}, specfile.Spec{}, "", ""},
		{"by another link", map[string]string{"a/x": "-> ../one", "one": "-> lib/two", "lib/two": "-> three", "lib/three": ""}, specfile.Spec{}, "lib/three lib/two one", ""},
		{"a folder", map[string]string{"a/lib": "-> ../lib", "lib/x": "", "lib/deep/y": "", "other/z": ""}, specfile.Spec{}, "lib", ""},
		{"a link in a linked folder", map[string]string{"a/lib": "-> ../lib", "lib/x": "-> ../other/z", "other/z": ""}, specfile.Spec{}, "lib other/z", ""},
		{"through a linked folder", map[string]string{"a/x": "-> ../short/x", "short": "-> very/long", "very/long/x": "", "very/y": ""}, specfile.Spec{}, "short very/long/x", ""},
		{"up from where a link leads", map[string]string{"a/x": "-> ../short/../y", "short": "-> very/long", "very/long/x": "", "very/y": ""}, specfile.Spec{}, "short very/y", ""},
		{"to nothing", map[string]string{"a/x": "-> ../gone"}, specfile.Spec{}, "", ""},
		{"out of the repository", map[string]string{"a/x": "-> ../../etc/passwd", "a/y": "-> /etc/passwd"}, specfile.Spec{}, "", ""},
		{"to a folder above", map[string]string{"a/x": "-> ..", "b/y": ""}, specfile.Spec{}, "", ""},
		{"from elsewhere", map[string]string{"b/x": "-> ../lib/x", "b/l": "-> l", "lib/x": ""}, specfile.Spec{}, "", ""},
		{"watched", map[string]string{"b/x": "-> ../lib/x", "lib/x": ""}, specfile.Spec{Watch: []string{"b"}}, "lib/x", ""},
		{"ignored", map[string]string{"a/x": "-> ../lib/x", "a/l": "-> l", "lib/x": ""}, specfile.Spec{Ignore: []string{"a/l", "lib"}}, "", ""},
		{"to itself", map[string]string{"a/l": "-> l"}, specfile.Spec{}, "", "path: the symbolic link a/l leads in a circle (a/l -> a/l); make it lead to a file"},
		{"in a circle", map[string]string{"a/x": "-> l", "a/l": "-> ../b/l", "b/l": "-> ../a/l"}, specfile.Spec{}, "", "leads in a circle (a/l -> b/l -> a/l)"},
		{"through too many", tooManyLinks(), specfile.Spec{}, "", "the symbolic link a/00 leads through more than 40 others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.files["a/index.html"] = ""
			c.spec.Path, c.spec.Build.With = "a", Static
			app, err := Resolve(&c.spec, treeFrom(c.files))
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Fatalf("error = %v, want %q", err, c.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(c.needed, strings.Join(app.Sources.Needed(), " ")); diff != "" {
				t.Errorf("needed (-want +got)\n%s", diff)
			}
			for _, name := range slices.Sorted(maps.Keys(c.files)) {
				if want := slices.ContainsFunc(app.Sources.Needed(), func(n string) bool { return inside(name, n) }); want && !app.Sources.Has(name) {
					t.Errorf("%s is no source", name)
				}
			}
		})
	}
}

func tooManyLinks() map[string]string {
	files := map[string]string{}
	for i := range 50 {
		name := func(i int) string { return string(rune('0'+i/10)) + string(rune('0'+i%10)) }
		files["a/"+name(i)] = "-> " + name(i+1)
	}
	return files
}
