package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// identity is a living process that carries our mark.
type identity struct {
	pid         int
	start       string // clock ticks since boot: tells a process from a later one of the same pid
	name        string
	fingerprint string
	exe         string
}

// scan lists all processes with a mark.
func scan() ([]identity, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var found []identity
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if id, ok := inspect(pid); ok {
			found = append(found, id)
		}
	}
	return found, nil
}

// find lists the processes of a name that run the executable itself, leaving out
// children that only inherited the mark.
func find(name, path string) ([]identity, error) {
	all, err := scan()
	if err != nil {
		return nil, err
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	var found []identity
	for _, id := range all {
		// The base name alone: a newer build of the program lies in another folder.
		if id.name == name && filepath.Base(id.exe) == filepath.Base(path) {
			found = append(found, id)
		}
	}
	return found, nil
}

// inspect reads a process's identity; ok is false when it has no mark, is only
// waiting to be reaped, or is gone.
func inspect(pid int) (id identity, ok bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return identity{}, false
	}
	state, start, ok := parseStat(string(stat))
	if !ok || state == "Z" || state == "X" {
		return identity{}, false
	}
	environment, err := os.ReadFile(dir + "/environ")
	if err != nil {
		return identity{}, false
	}
	id = identity{pid: pid, start: start}
	for variable := range bytes.SplitSeq(environment, []byte{0}) {
		key, value, _ := strings.Cut(string(variable), "=")
		switch key {
		case nameVariable:
			id.name = value
		case fingerprintVariable:
			id.fingerprint = value
		}
	}
	if id.name == "" {
		return identity{}, false
	}
	exe, err := os.Readlink(dir + "/exe")
	if err != nil {
		return identity{}, false
	}
	id.exe = strings.TrimSuffix(exe, " (deleted)")
	return id, true
}

// parseStat takes the state and the start time out of /proc/<pid>/stat. The
// command's name is in parentheses and may itself hold spaces and parentheses.
func parseStat(stat string) (state, start string, ok bool) {
	end := strings.LastIndex(stat, ")")
	if end < 0 {
		return "", "", false
	}
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 20 {
		return "", "", false
	}
	return fields[0], fields[19], true
}

// alive keeps those that still run.
func alive(found []identity) []identity {
	var left []identity
	for _, f := range found {
		if now, ok := inspect(f.pid); ok && now == f {
			left = append(left, f)
		}
	}
	return left
}

// signal sends the signal to this process and no other: the handle is opened
// first (a pidfd on Linux), the identity is checked through it afterwards.
func (id identity) signal(signal syscall.Signal) error {
	handle, err := os.FindProcess(id.pid)
	if err != nil {
		return fmt.Errorf("opening process %d: %w", id.pid, err)
	}
	defer func() { _ = handle.Release() }()
	if now, ok := inspect(id.pid); !ok || now != id {
		return nil
	}
	err = handle.Signal(signal)
	if err == nil || errors.Is(err, os.ErrProcessDone) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("signalling %s: %w", id.name, err)
}
