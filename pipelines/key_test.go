package pipelines

import (
	"maps"
	"regexp"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func exampleKey() string {
	return Key(exampleRevision("c1", map[string]string{"main": "./cmd/shop", "tags": "x"}), "v1")
}

func exampleRevision(commit string, args map[string]string) *v1alpha1.Revision {
	return &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-" + commit, Namespace: "default"},
		Spec: v1alpha1.RevisionSpec{
			App: "shop", Commit: commit, Build: &v1alpha1.Build{Template: "go", Args: args},
			Source: v1alpha1.CodeSource{Key: "tree", Path: "services/shop", Digest: "sha256:1", SpecHash: "1"},
		},
	}
}

// TestKeyHasTheCommitWhereItIsAskedFor: one tree has one image, whatever
// commits it stands in, unless the program is to name its commit.
func TestKeyHasTheCommitWhereItIsAskedFor(t *testing.T) {
	plain := map[string]string{"main": "."}
	if Key(exampleRevision("c1", plain), "v1") != Key(exampleRevision("c2", plain), "v1") {
		t.Error("the key depends on the commit")
	}
	stamped := map[string]string{"ldflags": "-X main.commit=$(commit)"}
	if Key(exampleRevision("c1", stamped), "v1") == Key(exampleRevision("c2", stamped), "v1") {
		t.Error("two commits that are stamped into the program have one key")
	}
	if got := argsOf(exampleRevision("c1", stamped))["ldflags"]; got != "-X main.commit=c1" {
		t.Errorf("the build gets %q", got)
	}
}

// TestKeyOfAPreview is that of the app, so that a merge finds the image; that of
// a fork is nobody else's, not even that of an app with the preview's name.
func TestKeyOfAPreview(t *testing.T) {
	key := func(app string, preview *v1alpha1.BuiltFor) string {
		rev := exampleRevision("c1", nil)
		rev.Spec.App, rev.Spec.Preview = app, preview
		return Key(rev, "v1")
	}
	production := key("shop", nil)
	if key("shop-pr-12", &v1alpha1.BuiltFor{App: "shop"}) != production {
		t.Error("a preview is built for itself")
	}
	fork := key("shop-pr-12", &v1alpha1.BuiltFor{App: "shop", Fork: true})
	for _, other := range []string{production, key("shop-pr-12", nil), key("shop-pr-13", &v1alpha1.BuiltFor{App: "shop", Fork: true})} {
		if fork == other {
			t.Error("a fork shares a build")
		}
	}
}

// TestKeyIsStable guards the images that registries hold already: a change of
// this value rebuilds every app of every user.
func TestKeyIsStable(t *testing.T) {
	const want = "10fe6a89ffb160ecb758dbfd159c9bf88508aad3159823dddd64f628e2a935fa"
	if got := exampleKey(); got != want {
		t.Errorf("key = %s, want %s", got, want)
	}
}

func TestKeyDependsOnWhatIsBuilt(t *testing.T) {
	type input struct {
		scope    string
		source   v1alpha1.CodeSource
		template string
		args     map[string]string
		version  string
	}
	base := func() input {
		return input{"default/shop", v1alpha1.CodeSource{Key: "tree", Path: "services/shop"}, "go",
			map[string]string{"main": "./cmd/shop", "tags": "x"}, "v1"}
	}
	key := func(in input) string {
		return contentKey(in.scope, in.source, v1alpha1.Build{Template: in.template, Args: in.args}, in.version)
	}
	for name, change := range map[string]func(*input){
		"scope":         func(in *input) { in.scope = "default/store" },
		"tree":          func(in *input) { in.source.Key = "tree2" },
		"path":          func(in *input) { in.source.Path = "." },
		"template":      func(in *input) { in.template = "static" },
		"version":       func(in *input) { in.version = "v2" },
		"arg value":     func(in *input) { in.args["main"] = "." },
		"arg name":      func(in *input) { delete(in.args, "tags"); in.args["tag"] = "x" },
		"fewer args":    func(in *input) { delete(in.args, "tags") },
		"shifted field": func(in *input) { in.template, in.version = "gov", "1" },
	} {
		in := base()
		change(&in)
		if key(in) == key(base()) {
			t.Errorf("another %s leaves the key as it was", name)
		}
	}
	in := base()
	in.source.Digest, in.source.SpecHash = "sha256:2", "2"
	if key(in) != key(base()) {
		t.Error("the key depends on how the source is packed or run")
	}
}

// FuzzKey looks for two different builds with one key.
func FuzzKey(f *testing.F) {
	f.Add("default/a", "tree", ".", "go", "v", "main", ".", "default/a", "tree", ".", "go", "v", "main", ".")
	f.Add("a", "bc", "", "", "", "", "", "ab", "c", "", "", "", "", "")
	f.Add("a", "", "", "", "", "k", "v", "a", "", "", "", "k", "v", "")
	f.Add("a\x00", "b", "", "", "", "\xff", "", "a", "\x00b", "", "", "", "\xfe", "")
	f.Fuzz(func(t *testing.T, scope, tree, path, template, version, name, value,
		scope2, tree2, path2, template2, version2, name2, value2 string) {
		args, args2 := map[string]string{name: value}, map[string]string{name2: value2}
		one := contentKey(scope, v1alpha1.CodeSource{Key: tree, Path: path}, v1alpha1.Build{Template: template, Args: args}, version)
		two := contentKey(scope2, v1alpha1.CodeSource{Key: tree2, Path: path2}, v1alpha1.Build{Template: template2, Args: args2}, version2)
		same := scope == scope2 && tree == tree2 && path == path2 && template == template2 &&
			version == version2 && maps.Equal(args, args2)
		if same != (one == two) {
			t.Errorf("equal inputs: %v, equal keys: %v", same, one == two)
		}
	})
}

func TestNamesFromKey(t *testing.T) {
	key := exampleKey()
	longest := "a123456789-123456789-123456789-123456789"
	if name := RunName(longest, key); len(name) > 63 || name != longest+"-"+key[:16] {
		t.Errorf("run name %q has %d characters", name, len(name))
	}
	if label := KeyLabel(key); !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(label) {
		t.Errorf("label %q", label)
	}
	if tag := Tag(key); tag != "key-"+key[:40] {
		t.Errorf("tag %q", tag)
	}
}
