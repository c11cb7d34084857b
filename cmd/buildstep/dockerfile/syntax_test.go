package dockerfile

import "testing"

func TestBuiltInSyntax(t *testing.T) {
	for _, test := range []struct{ dockerfile, want string }{
		{"FROM x\n", ""},
		{"# syntax=docker/dockerfile:1\nFROM x\n", "docker/dockerfile:1"},
		{"#Syntax = docker/dockerfile:1.4\nFROM x\n", "docker/dockerfile:1.4"},
		{"# escape=`\n# syntax=docker.io/docker/dockerfile:1.20.0\n", "docker.io/docker/dockerfile:1.20.0"},
		{"# syntax=docker/dockerfile", "docker/dockerfile"},
		{"# syntax=docker/dockerfile:latest", "docker/dockerfile:latest"},
		{"# syntax=docker/dockerfile:1.21\n", ""},
		{"# syntax=docker/dockerfile:1-labs\n", ""},
		{"# syntax=docker/dockerfile:2\n", ""},
		{"# syntax=docker/dockerfile:1@sha256:0123\n", ""},
		{"# syntax=evil.example.com/docker/dockerfile:1\n", ""},
		{"FROM x\n# syntax=docker/dockerfile:1\n", ""},
	} {
		if got := builtInSyntax([]byte(test.dockerfile)); got != test.want {
			t.Errorf("builtInSyntax(%q) = %q, want %q", test.dockerfile, got, test.want)
		}
	}
}
