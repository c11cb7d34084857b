package main

import (
	"flag"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, args ...string) (flags, error) {
	t.Helper()
	var f flags
	set := flag.NewFlagSet("controller", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f.register(set)
	if err := set.Parse(args); err != nil {
		return f, err
	}
	return f, f.check()
}

func TestFlags(t *testing.T) {
	for _, tc := range []struct {
		args string
		want string // part of the error
	}{
		{"--registry=r/apps", ""},
		{"", "--registry is required"},
		{"--registry=r --public-scheme=ftp", "must be http or https"},
		{"--registry=r --public-port=0", "between 1 and 65535"},
		{"--registry=r --artifact-url=headway:8082", "must be a URL"},
		{"--registry=r --log-level=loud", "loud"},
	} {
		_, err := parse(t, strings.Fields(tc.args)...)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.args, err, tc.want)
		}
	}
}

func TestFlagsAreNormalised(t *testing.T) {
	f, err := parse(t, "--registry=r/apps/", "--domain=.Apps.Example.com", "--artifact-url=http://a:1/", "--insecure-registries=a:1,b:2")
	if err != nil {
		t.Fatal(err)
	}
	got := append([]string{f.registry, f.domain, f.artifactURL}, f.insecure()...)
	if diff := cmp.Diff([]string{"r/apps", "apps.example.com", "http://a:1", "a:1", "b:2"}, got); diff != "" {
		t.Error(diff)
	}
	if f, _ = parse(t, "--registry=r", "--insecure-registries="); len(f.insecure()) != 0 {
		t.Errorf("insecure = %q", f.insecure())
	}
}
