package park

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	files := map[string]error{ // nil: can be executed
		"/app": nil, "./run": nil, "/usr/bin/app": nil, "/bin/app": nil,
		"/bin/data": syscall.EACCES, "/opt/data": nil, "/bin/folder": syscall.EISDIR,
	}
	executable := func(path string) error {
		err, there := files[path]
		if !there {
			return syscall.ENOENT
		}
		return err
	}
	for _, tc := range []struct {
		name, path string
		want       string // the file, or part of the error
		code       int
	}{
		{"/app", "", "/app", 0},
		{"./run", "/bin", "./run", 0},
		{"app", "/sbin:/usr/bin:/bin", "/usr/bin/app", 0},
		{"run", "/bin:", "./run", 0},
		{"data", "/bin:/opt", "/opt/data", 0},
		{"data", "/bin:/usr/bin", `"/bin/data": permission denied; it must be a file`, codeCannot},
		{"folder", "/bin", "is a directory", codeCannot},
		{"/bin/data", "", "chmod +x", codeCannot},
		{"/none", "/bin", `"/none": no such file or directory; correct the ENTRYPOINT or CMD`, codeMissing},
		{"none", "/sbin:/bin", "in PATH=/sbin:/bin; correct the ENTRYPOINT", codeMissing},
		{"app", "", "in PATH=;", codeMissing},
	} {
		t.Run(tc.name+" in "+tc.path, func(t *testing.T) {
			got, err := find(tc.name, tc.path, executable)
			code := 0
			if wrong := (*commandError)(nil); errors.As(err, &wrong) {
				code, got = wrong.code(), err.Error()
			}
			if !strings.Contains(got, tc.want) || code != tc.code {
				t.Errorf("got %q, code %d; want %q, code %d", got, code, tc.want, tc.code)
			}
		})
	}
}

func TestIsExecutable(t *testing.T) {
	dir := t.TempDir()
	for _, tc := range []struct {
		name string
		mode os.FileMode
		want error
	}{
		{"program", 0o755, nil},
		{"data", 0o644, fs.ErrPermission},
	} {
		path := filepath.Join(dir, tc.name)
		if err := os.WriteFile(path, nil, tc.mode); err != nil {
			t.Fatal(err)
		}
		if err := isExecutable(path); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if err := isExecutable(dir); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a folder: %v", err)
	}
	if err := isExecutable(filepath.Join(dir, "none")); !errors.Is(err, syscall.ENOENT) || strings.Contains(err.Error(), dir) {
		t.Errorf("nothing: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	env := []string{"PATH=/bin", envPod + "=uid", "A=HEADWAY_PARK_POD", envKey + "=key", "PATH=/other", "HEADWAY_COMMIT=1", "EMPTY="}
	want := []string{"PATH=/bin", "A=HEADWAY_PARK_POD", "PATH=/other", "HEADWAY_COMMIT=1", "EMPTY="}
	if diff := cmp.Diff(want, environment(env)); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"PATH": "/bin", envPod: "uid", "EMPTY": "", "PAT": ""} {
		if got := value(env, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// What stands in the pod is checked before anybody waits for it.
func TestRunFailsAtOnce(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	pod, key := envPod+"="+testPod, envKey+"="+newKeys(t).Public
	for _, tc := range []struct {
		name string
		args []string
		env  []string
		code int
		want string
	}{
		{"no command", nil, []string{pod, key}, codeUsage, "usage: park COMMAND"},
		{"empty command", []string{""}, []string{pod, key}, codeUsage, "usage: park COMMAND"},
		{"no pod", []string{"/bin/sh"}, []string{key}, codeUsage, envPod + " is not set"},
		{"no key", []string{"/bin/sh"}, []string{pod}, codeUsage, "reading " + envKey},
		{"bad key", []string{"/bin/sh"}, []string{pod, envKey + "=abc"}, codeUsage, "reading " + envKey},
		{"missing", []string{"/none"}, []string{pod, key}, 127, `cannot start the application "/none"`},
		{"not in PATH", []string{"none"}, []string{pod, key, "PATH=/bin"}, 127, "PATH=/bin"},
		{"not executable", []string{script}, []string{pod, key}, 126, "chmod +x"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var complaints strings.Builder
			code := Run(tc.args, tc.env, io.Discard, &complaints)
			if code != tc.code || !strings.Contains(complaints.String(), tc.want) {
				t.Errorf("code %d, %q; want %d, %q", code, complaints.String(), tc.code, tc.want)
			}
		})
	}
}

// The pod that brings the image to a node has neither a key nor a command.
func TestVersion(t *testing.T) {
	var out, complaints strings.Builder
	if code := Run([]string{versionFlag}, nil, &out, &complaints); code != 0 || out.String() != protocol+"\n" || complaints.Len() > 0 {
		t.Errorf("code %d, %q, %q", code, &out, &complaints)
	}
}
