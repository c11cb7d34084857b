package dockerfile

import (
	"bytes"
	"strings"
	"testing"
)

// TestPullProblem: the last lines are those that BuildKit v0.26 writes.
func TestPullProblem(t *testing.T) {
	const solve = "error: failed to solve: node:22-alpine: failed to resolve source metadata for docker.io/library/node:22-alpine: "
	const missing = solve + "docker.io/library/node:22-alpine: not found"
	for _, test := range []struct {
		name, log, mirror string
		want              string
	}{
		{"not in the mirror", missing, "10.0.0.7:5000",
			`image docker.io/library/node:22-alpine could not be pulled (not found): the mirror 10.0.0.7:5000 was asked first, then docker.io; check the name, push the image into the mirror, or give build pods a route to docker.io`},
		{"no mirror", missing, "",
			`image docker.io/library/node:22-alpine could not be pulled (not found): docker.io was asked, and no mirror is set; check the name, give build pods a route to docker.io, or name a mirror that has the image as HEADWAY_MIRROR in the ConfigMap build-env of the build namespace`},
		{"no route", solve + `failed to do request: Head "https://registry-1.docker.io/v2/library/node/manifests/22-alpine": dial tcp 3.94.224.37:443: connect: network is unreachable`, "",
			`image docker.io/library/node:22-alpine could not be pulled (dial tcp 3.94.224.37:443: connect: network is unreachable): docker.io was asked, and no mirror is set; check the name`},
		{"another registry", "error: failed to solve: ghcr.io/a/b:1: failed to resolve source metadata for ghcr.io/a/b:1: ghcr.io/a/b:1: not found", "10.0.0.7:5000",
			`image ghcr.io/a/b:1 could not be pulled (not found): ghcr.io was asked; check the name, and that build pods have a route to ghcr.io`},
		{"a private image", "error: failed to solve: failed to resolve source metadata for ghcr.io/a/b:1: failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=x: 403 Forbidden", "",
			`image ghcr.io/a/b:1 could not be pulled (unexpected status from GET request to https://ghcr.io/token?scope=x: 403 Forbidden): ghcr.io was asked without credentials, which builds do not have; use an image that anybody may pull`},
		{"the last line counts", missing + "\nsome other line", "", ""},
		{"another failure", "error: failed to solve: process \"/bin/false\" did not complete successfully: exit code: 1", "", ""},
		{"what a program prints", "#7 0.1 failed to resolve source metadata for x: not found\nerror: failed to solve: process", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := pullProblem("#1 [internal] load\n"+test.log+"\n", test.mirror); err != nil {
				got = err.Error()
			}
			if test.want == "" && got != "" || !strings.HasPrefix(got, test.want) {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

// TestBuildNamesTheImage: what BuildKit prints comes first, whole.
func TestBuildNamesTheImage(t *testing.T) {
	o := options(t)
	var output bytes.Buffer
	o.Output, o.Mirror = &output, "10.0.0.7:5000"
	const said = "error: failed to solve: busybox:9: failed to resolve source metadata for docker.io/library/busybox:9: docker.io/library/busybox:9: not found"
	t.Setenv("STAND_IN_FAILS", said)
	err := Build(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "image docker.io/library/busybox:9 could not be pulled") {
		t.Errorf("error = %v", err)
	}
	if output.String() != said+"\n" {
		t.Errorf("the log is %q", output.String())
	}
}
