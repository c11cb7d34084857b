package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/reconciler/render"
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
		{"--registry=r --artifact-url=headway:8082", "must be a URL"},
		{"--registry=r --log-level=loud", "loud"},
		{"--registry=r --builds=0", "--builds is 0; it must be 1 or more"},
		{"--registry=r --park-image=p", "--park-image needs --park-public-key"},
		{"--registry=r --park-image=p --park-public-key=k", ""},
		{"--registry=r --park-public-key=k", ""},
	} {
		_, err := parse(t, strings.Fields(tc.args)...)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.args, err, tc.want)
		}
	}
}

func TestFlagsAreNormalised(t *testing.T) {
	f, err := parse(t, "--registry=r/apps/", "--artifact-url=http://a:1/", "--insecure-registries=a:1,b:2")
	if err != nil {
		t.Fatal(err)
	}
	got := append([]string{f.registry, f.artifactURL}, f.insecure()...)
	if diff := cmp.Diff([]string{"r/apps", "http://a:1", "a:1", "b:2"}, got); diff != "" {
		t.Error(diff)
	}
	if f, _ = parse(t, "--registry=r", "--insecure-registries="); len(f.insecure()) != 0 {
		t.Errorf("insecure = %q", f.insecure())
	}
}

func TestPark(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, ed25519.PublicKeySize))
	for _, tc := range []struct {
		name, image, file string
		want              render.Park
		err               string // part of the error
	}{
		{"a key", "registry/park", key + "\n", render.Park{Image: "registry/park", PublicKey: key}, ""},
		{"no image, so the key is of no interest", "", "rubbish", render.Park{}, ""},
		{"not base64", "registry/park", "rubbish!", render.Park{}, "the public key is not the 32 bytes of an Ed25519 key in base64"},
		{"too short", "registry/park", key[:20], render.Park{}, "the public key is not the 32 bytes of an Ed25519 key in base64"},
	} {
		file := filepath.Join(t.TempDir(), "public")
		if err := os.WriteFile(file, []byte(tc.file), 0o600); err != nil {
			t.Fatal(err)
		}
		f := flags{parkImage: tc.image, parkPublicKey: file}
		got, err := f.park()
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
	f := flags{parkImage: "registry/park", parkPublicKey: filepath.Join(t.TempDir(), "missing")}
	if _, err := f.park(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
