package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNginxConfig: each host leads to its pods, by the weights.
func TestNginxConfig(t *testing.T) {
	text, err := nginxConfig{
		Listen: "127.0.0.1:4711", WholeHost: "whole.bench.localhost", SplitHost: "split.bench.localhost",
		Percent: 10, Whole: "198.18.0.5:8080", Live: "198.18.0.6:8080", Beta: "198.18.0.7:8080",
	}.text()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"daemon off;",
		"upstream whole { server 198.18.0.5:8080; keepalive 32;",
		"upstream live { server 198.18.0.6:8080; keepalive 32;",
		"upstream beta { server 198.18.0.7:8080; keepalive 32;",
		"split_clients $request_id $drawn { 10% beta; * live; }",
		"server { listen 127.0.0.1:4711; server_name whole.bench.localhost; location / { proxy_pass http://whole; } }",
		"server { listen 127.0.0.1:4711; server_name split.bench.localhost; location / { proxy_pass http://$drawn; } }",
	} {
		if n := strings.Count(strings.Join(strings.Fields(string(text)), " "), want); n != 1 {
			t.Errorf("%q is there %d times in\n%s", want, n, text)
		}
	}
}

// TestStartNginx with scripts in its place: it is told to end, and why it could not
// begin is in the error.
func TestStartNginx(t *testing.T) {
	for name, tt := range map[string]struct{ script, want string }{
		"listens": {`trap 'kill $!; : >told; exit' TERM; sleep 60 2>&- & : >nginx.pid; wait`, ""},
		"fails":   {`echo "bind() failed" >&2; exit 1`, "bind() failed"},
	} {
		t.Run(name, func(t *testing.T) {
			bin, dir := t.TempDir(), filepath.Join(t.TempDir(), "nginx")
			if err := os.WriteFile(filepath.Join(bin, "nginx"), []byte("#!/bin/sh\ncd $2 && test -s $4 || exit 2\n"+tt.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			_, stop, err := startNginx(t.Context(), dir, nginxConfig{})
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want an error with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			stop()
			if _, err := os.Stat(filepath.Join(dir, "told")); err != nil {
				t.Errorf("it was not told to end: %v", err)
			}
		})
	}
}
