package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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

// parkedMemory is that of the process of a parked pod, by the pod's UID. The
// pod's sandbox, which every pod has, does not count.
func parkedMemory(uid string) (processMemory, error) {
	return memoryOf("environ", "\x00"+v1alpha1.EnvParkPod+"="+uid+"\x00")
}

// podMemory is that of all processes of a pod, by its UID.
func podMemory(uid string) (processMemory, error) { return memoryOf("cgroup", "/pod"+uid+"/") }

// memoryOf sums the memory of the processes on this machine, which runs the
// cluster, whose file below /proc has the text in it.
func memoryOf(file, text string) (sum processMemory, err error) {
	paths, err := filepath.Glob("/proc/[0-9]*/" + file)
	if err != nil {
		return sum, err
	}
	found := false
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains("\x00"+string(data), text) {
			continue // it has ended, or is another's
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		if err != nil {
			return sum, fmt.Errorf("reading the memory of a process: %w", err)
		}
		m, err := readStatus(status)
		if err != nil {
			return sum, err
		}
		sum.resident += m.resident
		sum.own += m.own
		found = true
	}
	if !found {
		return sum, fmt.Errorf("no process of this machine has %q in its %s", strings.Trim(text, "\x00"), file)
	}
	return sum, nil
}

// resident and own find the two figures in a status.
var resident, own = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`), regexp.MustCompile(`(?m)^RssAnon:\s+(\d+) kB$`)

// readStatus reads /proc/<pid>/status.
func readStatus(status []byte) (m processMemory, err error) {
	for figure, to := range map[*regexp.Regexp]*float64{resident: &m.resident, own: &m.own} {
		found := figure.FindSubmatch(status)
		if found == nil {
			return m, errors.New("the kernel does not tell the memory of a process")
		}
		kib, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			return m, fmt.Errorf("reading the memory of a process: %w", err)
		}
		*to = kib / 1024
	}
	return m, nil
}
