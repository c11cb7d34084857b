package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// processMemory is what a process has in memory, in MiB.
type processMemory struct {
	resident float64
	// own is not in a file, so it is not shared with others of its kind.
	own float64
}

// parkedMemory finds the process of a parked pod on this machine, which runs
// the cluster, by the pod's UID.
func parkedMemory(uid string) (processMemory, error) {
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return processMemory{}, err
	}
	want := []byte(v1alpha1.EnvParkPod + "=" + uid)
	for _, path := range environments {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended, or is another user's
		}
		for variable := range bytes.SplitSeq(data, []byte{0}) {
			if !bytes.Equal(variable, want) {
				continue
			}
			status, err := os.Open(filepath.Join(filepath.Dir(path), "status"))
			if err != nil {
				return processMemory{}, fmt.Errorf("reading the memory of a parked pod: %w", err)
			}
			defer status.Close()
			return readStatus(status)
		}
	}
	return processMemory{}, errors.New("no process of this machine is the parked pod " + uid)
}

// readStatus reads /proc/<pid>/status.
func readStatus(from io.Reader) (processMemory, error) {
	var m processMemory
	found := 0
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		var to *float64
		switch key {
		case "VmRSS":
			to = &m.resident
		case "RssAnon":
			to = &m.own
		default:
			continue
		}
		kib, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		if err != nil {
			return m, fmt.Errorf("reading %s: %w", lines.Text(), err)
		}
		*to = kib / 1024
		found++
	}
	if err := lines.Err(); err != nil {
		return m, err
	}
	if found != 2 {
		return m, errors.New("the kernel does not tell the memory of a process")
	}
	return m, nil
}
