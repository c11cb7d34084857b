package gobuild

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
)

// stamped prints what the linker put into it, in a build with the tag "loud".
var stamped = map[string]string{
	"main.go":  "package main\n\nvar version, note = \"unknown\", \"\"\n\nfunc main() { print(say(version), note) }\n",
	"quiet.go": "//go:build !loud\n\npackage main\n\nfunc say(s string) string { return s }\n",
	"loud.go":  "//go:build loud\n\npackage main\n\nfunc say(s string) string { return s + \"!\" }\n",
}

func TestBuildTakesLinkerFlagsAndTags(t *testing.T) {
	o := options(t, module(stamped))
	o.LinkerFlags, o.Tags = "-X main.version=1.2.3 -X 'main.note= by hand'", "other, loud"
	if got := output(t, o); got != "1.2.3! by hand" {
		t.Errorf("the program printed %q", got)
	}
}

func TestBuildPutsFilesBesideTheProgram(t *testing.T) {
	files := module(map[string]string{
		"go.mod":                         "module example.com/shop\n\ngo 1.24\n",
		"services/web/main.go":           mainGo,
		"services/web/templates/a.html":  "<p>a</p>",
		"services/web/templates/b/c.txt": "c",
		"services/web/web/page.html":     "a folder with the name of the program",
		"services/web/config.yaml":       "a: 1",
		"services/web/run.sh":            "#!/bin/sh",
		"shared/logo.svg":                "<svg/>",
		"services/web/secret.txt":        "not asked for",
	})
	o := options(t, files)
	o.Path, o.Files = "services/web", "templates, config.yaml,web,./run.sh,templates/b,logo.svg,shared"
	here := filepath.Join(o.Source, "services", "web")
	for name, target := range map[string]string{"logo.svg": "../../shared/logo.svg", "shared": "../../shared"} {
		if err := os.Symlink(target, filepath.Join(here, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(here, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	image, err := ocilayout.Read(o.Image)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"app/config.yaml", "app/logo.svg", "app/run.sh", "app/shared/logo.svg", "app/templates/a.html", "app/templates/b/c.txt", "app/web/page.html"}
	beside := layerFiles(t, image, 1)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(beside))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := string(beside["app/logo.svg"]); got != "<svg/>" {
		t.Errorf("the file behind a link is %q", got)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.Entrypoint[0] != "/app/web-program" || len(layerFiles(t, image, 2)["app/web-program"]) == 0 || config.Config.WorkingDir != "/app" {
		t.Errorf("the program that shares its name with a folder: %v in %s", config.Config.Entrypoint, config.Config.WorkingDir)
	}
	listed, err := filesBeside(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range listed {
		if want := map[bool]fs.FileMode{true: 0o755, false: 0o644}[file.Path == "/app/run.sh"]; file.Mode != want {
			t.Errorf("%s has mode %o", file.Path, file.Mode)
		}
	}
}

func TestFilesAreChecked(t *testing.T) {
	o := options(t, module(map[string]string{"web/main.go": mainGo, "web/page.html": "", "other/x": ""}))
	o.Path = "web"
	for name, target := range map[string]string{"gone": "nothing", "etc": "/etc/passwd", "pages/more": "../../other"} {
		link := filepath.Join(o.Source, "web", name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ files, want string }{
		{"page.html,templates", `build.args.files has "templates", which is not in the source below path "web"; correct the name`},
		{"../other", `build.args.files has "../other"; it must be a file or folder below path, such as templates`},
		{"/etc", `build.args.files has "/etc"; it must be`},
		{".", `build.args.files has "."; it must be`},
		{"gone", `build.args.files has "gone", which is not in the source`},
		{"etc", "the link etc leads out of the source"},
		{"pages", "the link pages/more leads to a folder; put the folder itself there"},
	} {
		o.Files = test.files
		if _, err := filesBeside(o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error = %v, want one with %q", test.files, err, test.want)
		}
	}
}
