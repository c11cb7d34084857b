package specfile

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/api/window"
)

// FuzzParse checks what every caller relies on: no panic, Problems with a
// position inside the file, or a Spec that the API server will accept.
func FuzzParse(f *testing.F) {
	for _, folder := range []string{"valid", "invalid"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds in testdata/%s: %v", folder, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nname: *c"))
	f.Add([]byte(strings.Repeat("[", 20000)))
	f.Add([]byte("name: \"\\u0000\"\npath: \"\\n\""))
	f.Add([]byte("\ufeffname: x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("a/headway.yaml", data)
		if err != nil {
			checkProblems(t, data, err)
			return
		}
		checkSpec(t, s)
	})
}

func checkProblems(t *testing.T, data []byte, err error) {
	var problems Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("error %T is no Problems: %v", err, err)
	}
	lines := strings.Count(string(data), "\n") + 1
	for _, p := range problems {
		// YAML knows further line ends than \n; none adds more than a line per byte.
		if p.File != "a/headway.yaml" || p.Line < 1 || p.Column < 1 || p.Message == "" || p.Line > lines+len(data) {
			t.Fatalf("bad problem %+v", p)
		}
	}
	if len(err.Error()) > 32<<10 {
		t.Fatalf("%d bytes of error do not fit into a condition", len(err.Error()))
	}
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$`)

func checkSpec(t *testing.T, s *Spec) {
	if !label.MatchString(s.Name) {
		t.Fatalf("name %q", s.Name)
	}
	if strings.HasPrefix(s.Path, "/") || s.Path == ".." || strings.HasPrefix(s.Path, "../") || s.Path != filepath.Clean(s.Path) {
		t.Fatalf("path %q", s.Path)
	}
	if (s.Build.With == "") != (s.Image != "") {
		t.Fatalf("build %+v with image %q", s.Build, s.Image)
	}
	if s.Port < 1 || s.Port > 65535 || s.Scale.Min > s.Scale.Max || s.Scale.Max < 1 || s.Scale.Limit < 0 ||
		s.Timeout.Duration < time.Second || s.Timeout.Duration > time.Hour {
		t.Fatalf("runtime %+v", s.Runtime)
	}
	for i, e := range s.Env {
		if i > 0 && s.Env[i-1].Name >= e.Name {
			t.Fatalf("env is not sorted or not unique: %+v", s.Env)
		}
	}
	checkRelease(t, s.Release)
	checkEventing(t, s)
	for _, w := range s.Watch {
		if _, err := ParseGlob(w); err != nil {
			t.Fatalf("watch %q: %v", w, err)
		}
	}
}

// checkEventing: the kinds' own rules hold, and so do names.
func checkEventing(t *testing.T, s *Spec) {
	o := s.Objects()
	names := map[string]bool{}
	name := func(kind, name string) {
		if !appName.MatchString(name) || len(name) > 63 || names[kind+name] {
			t.Fatalf("%s %q", kind, name)
		}
		names[kind+name] = true
	}
	for _, c := range o.Channels {
		name("channel", c.Name)
		keep, size, dedupe := c.Spec.Keep.Duration, c.Spec.Size.Value(), c.Spec.Dedupe.Duration
		if keep < time.Minute || keep > 8760*time.Hour || size < 1<<20 ||
			c.Spec.MaxEvent < 65536 || c.Spec.MaxEvent > 8388608 || dedupe < 0 || dedupe > 24*time.Hour {
			t.Fatalf("channel %+v", c)
		}
	}
	for _, source := range o.Sources {
		name("source", source.Name)
		kinds := 0
		spec := source.Spec
		for _, there := range []bool{spec.Cron != nil, spec.GitHub != nil, spec.GitLab != nil, spec.Gitea != nil, spec.SQS != nil,
			spec.PubSub != nil, spec.Kafka != nil, spec.Kubernetes != nil, spec.Container != nil} {
			if there {
				kinds++
			}
		}
		if kinds != 1 || spec.Channel == "" || len(spec.Extensions) > v1alpha1.MaxExtensions || spec.Cron != nil && spec.Cron.CatchUp == "" {
			t.Fatalf("source %+v", source)
		}
	}
	for i := range o.Subscriptions {
		e := &o.Subscriptions[i]
		name("subscription", e.Name)
		targets := 0
		for _, to := range []string{e.Spec.To.App, e.Spec.To.Channel, e.Spec.To.URL} {
			if to != "" {
				targets++
			}
		}
		if targets != 1 || (e.Spec.To.App != "") != (e.Spec.To.Path != "") ||
			e.Spec.Channel == "" || e.Spec.Rate < 0 || e.Spec.Rate > 100000 || e.Spec.InFlight < 0 || e.Spec.InFlight > 1024 {
			t.Fatalf("subscription %+v", e)
		}
		checkFilter(t, e.Spec.Filter)
	}
}

func checkFilter(t *testing.T, f *v1alpha1.EventFilter) {
	if f == nil {
		return
	}
	if f.CESQL == "" && f.Not == nil && len(f.Exact)+len(f.Prefix)+len(f.Suffix)+len(f.All)+len(f.Any) == 0 {
		t.Fatal("an empty filter")
	}
	for _, attributes := range []map[string]string{f.Exact, f.Prefix, f.Suffix} {
		for name, v := range attributes {
			if !attributeName.MatchString(name) || v == "" {
				t.Fatalf("attribute %q with %q", name, v)
			}
		}
	}
	checkFilter(t, f.Not)
	for i := range f.All {
		checkFilter(t, &f.All[i])
	}
	for i := range f.Any {
		checkFilter(t, &f.Any[i])
	}
}

func checkRelease(t *testing.T, rules []v1alpha1.Rule) {
	shares := int32(0)
	for _, r := range rules {
		shares += r.Weight
		_, err := path.Match(r.Refs, "x")
		if err != nil || r.Refs == "" || len(r.Refs) > 255 || r.Mirror < 0 || r.Mirror > 10000 {
			t.Fatalf("rule %+v", r)
		}
		if r.Canary != nil && (r.BlueGreen != nil || !r.Ends() || !slices.IsSorted(r.Canary.Steps) ||
			(len(r.Canary.Steps) > 0) == (r.Canary.Ramp.Duration > 0) || (len(r.Canary.Steps) > 0) != (r.Canary.Every.Duration > 0)) {
			t.Fatalf("canary %+v of rule %+v", r.Canary, r)
		}
		if split := r.Canary != nil || r.BlueGreen != nil || r.Weight > 0; split != (r.Gates != nil) || split != (r.OnFail != "") {
			t.Fatalf("gates %+v, on failure %q of rule %+v", r.Gates, r.OnFail, r)
		}
		if _, _, err := window.Within(r.Freeze, time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if shares < 0 || shares > maxShares || len(rules) > 16 {
		t.Fatalf("%d rules with shares of %d", len(rules), shares)
	}
}
