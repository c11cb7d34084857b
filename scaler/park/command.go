package park

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Exit codes of a command that cannot be executed, as shells have them.
const (
	codeCannot  = 126
	codeMissing = 127
)

// commandError says that the application's command cannot be executed, and what
// to change.
type commandError struct {
	name   string
	advice string
	err    error // the system's reason
}

func (e *commandError) Error() string {
	return fmt.Sprintf("cannot start the application %q: %v; %s", e.name, e.err, e.advice)
}

func (e *commandError) Unwrap() error { return e.err }

func (e *commandError) code() int {
	if errors.Is(e.err, fs.ErrNotExist) {
		return codeMissing
	}
	return codeCannot
}

// Advice, by what is wrong.
const (
	adviceMissing = "correct the ENTRYPOINT or CMD of the image, or command in headway.yaml"
	adviceMode    = "it must be a file that the container's user may execute (chmod +x in the image)"
	adviceFormat  = "the image must be made for this machine's architecture, and a script must begin with #!"
	adviceInside  = "its interpreter or dynamic loader is not in the image"
)

// find returns the file that a container runtime executes for the name: itself
// if it has a slash, which is relative to the working directory, else the first
// in the folders of searchPath. executable returns nil for a file that can be.
func find(name, searchPath string, executable func(path string) error) (string, error) {
	if strings.Contains(name, "/") {
		if err := executable(name); err != nil {
			return "", &commandError{name, adviceFor(err), err}
		}
		return name, nil
	}
	var found *commandError // a file that cannot be executed
	for folder := range strings.SplitSeq(searchPath, ":") {
		if folder == "" {
			folder = "."
		}
		path := folder + "/" + name
		err := executable(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && found == nil {
			found = &commandError{path, adviceFor(err), err}
		}
	}
	if found == nil {
		found = &commandError{name, adviceMissing, fmt.Errorf("%w in PATH=%s", fs.ErrNotExist, searchPath)}
	}
	return "", found
}

func adviceFor(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return adviceMissing
	}
	return adviceMode
}

// isExecutable asks the system; it sees the user, mode bits and mount options.
func isExecutable(path string) error {
	const mayExecute = 1 // X_OK
	info, err := os.Stat(path)
	if err != nil {
		return reason(err)
	}
	if info.IsDir() {
		return syscall.EISDIR
	}
	return syscall.Access(path, mayExecute)
}

// reason leaves out the operation and the path, which the caller names better.
func reason(err error) error {
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// refused explains why the system did not execute a file that it said it could.
func refused(name string, err error) error {
	advice := adviceMode
	switch {
	case errors.Is(err, fs.ErrNotExist):
		advice = adviceInside
	case errors.Is(err, syscall.ENOEXEC):
		advice = adviceFormat
	}
	return &commandError{name, advice, err}
}

// environment is env as the application gets it: without what is for this
// program.
func environment(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, entry := range env {
		if !strings.HasPrefix(entry, envPrefix) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// value of a variable in env; the first one counts.
func value(env []string, name string) string {
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			return v
		}
	}
	return ""
}
