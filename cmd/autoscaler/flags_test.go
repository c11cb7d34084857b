package main

import (
	"flag"
	"io"
	"strings"
	"testing"
)

func TestFlags(t *testing.T) {
	for _, tc := range []struct {
		args string
		want string // part of the error, or the service account
		ok   bool
	}{
		{"", "headway-system/headway-activator", true},
		{"--activators=a/b", "a/b", true},
		{"--activators=b", "must be namespace/name", false},
		{"--activators=a/b/c", "must be namespace/name", false},
		{"--activators=/b", "must be namespace/name", false},
	} {
		var f flags
		set := flag.NewFlagSet("autoscaler", flag.ContinueOnError)
		set.SetOutput(io.Discard)
		f.register(set)
		if err := set.Parse(strings.Fields(tc.args)); err != nil {
			t.Fatal(err)
		}
		account, err := f.check()
		got := account.String()
		if err != nil {
			got = err.Error()
		}
		if (err == nil) != tc.ok || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %s, want %s", tc.args, got, tc.want)
		}
	}
}
