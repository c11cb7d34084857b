package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// seen is what an app finds around it. The runtime contract is about this.
type seen struct {
	// Of the request.
	Host, Protocol string
	Headers        http.Header
	// Of the process.
	Hostname, Directory string
	PID, UID, GID       int
	Groups              []int
	Arguments           []string
	Environment         map[string]string
	// Stdin is what a read gives; Files are those open when the program began.
	Stdin string
	Files []string
	// Status has lines of /proc/self/status when the program began: signals,
	// capabilities.
	Status    map[string]string
	OpenFiles uint64 // the limit
	// Temporary is the error of writing to /tmp.
	Temporary string
	// Mounts are the options by mount point.
	Mounts map[string]string
	// MemoryLimit is what the control group says.
	MemoryLimit string
}

// What changes once the program runs.
var (
	filesAtStart  = openFiles()
	statusAtStart = status()
)

// openFiles names what each descriptor is, without the numbers of pipes.
func openFiles() []string {
	var files []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil {
			kind, _, _ := strings.Cut(target, ":[")
			files = append(files, e.Name()+" "+kind)
		}
	}
	return files
}

func surroundings(w http.ResponseWriter, r *http.Request) {
	s := seen{
		Host: r.Host, Protocol: r.Proto, Headers: r.Header,
		PID: os.Getpid(), UID: os.Getuid(), GID: os.Getgid(), Arguments: os.Args,
		Environment: map[string]string{}, Files: filesAtStart, Status: statusAtStart, Mounts: map[string]string{},
		Stdin: readStdin(), Temporary: writeTemporary(),
	}
	s.Hostname, _ = os.Hostname()
	s.Directory, _ = os.Getwd()
	s.Groups, _ = os.Getgroups()
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		s.Environment[name] = value
	}
	var limit syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	s.OpenFiles = limit.Max
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 5 {
			s.Mounts[f[4]] = f[5]
		}
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		if text, err := os.ReadFile(file); err == nil {
			s.MemoryLimit = strings.TrimSpace(string(text))
		}
	}
	_ = json.NewEncoder(w).Encode(s)
}

func readStdin() string {
	result := make(chan string, 1)
	go func() {
		n, err := os.Stdin.Read(make([]byte, 1))
		switch {
		case errors.Is(err, io.EOF):
			result <- "EOF"
		case err != nil:
			result <- err.Error()
		case n > 0:
			result <- "data"
		}
	}()
	select {
	case r := <-result:
		return r
	case <-time.After(time.Second):
		return "waits"
	}
}

func writeTemporary() string {
	file, err := os.CreateTemp("/tmp", "")
	if err == nil {
		_, err = file.WriteString("x")
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func status() map[string]string {
	lines := map[string]string{}
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		switch name, value, _ := strings.Cut(line, ":"); name {
		case "SigBlk", "SigIgn", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp":
			lines[name] = strings.TrimSpace(value)
		}
	}
	return lines
}
