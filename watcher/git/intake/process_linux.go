package intake

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"syscall"
)

// self is the program that runs, also after its file was replaced.
const self = "/proc/self/exe"

// cpuSeconds bounds the time that a pack may take; 4 GiB are uncompressed in
// about half a minute.
const cpuSeconds = 240

// confined has the process end with this one.
func confined(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// confine has the kernel refuse this process more than so much memory beside what
// it began with, and end it after so much work. RLIMIT_AS would count what Go's
// heap has reserved and does not use, so it is RLIMIT_DATA.
func confine(memory int64) error {
	now, err := status("VmData")
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(memory)
	most := uint64(now + memory + memory/8 + spareBytes)
	for kind, limit := range map[int]uint64{syscall.RLIMIT_DATA: most, syscall.RLIMIT_CPU: cpuSeconds, syscall.RLIMIT_CORE: 0} {
		if err := syscall.Setrlimit(kind, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	return nil
}

// peak is the most memory that this process had.
func peak() int64 {
	n, _ := status("VmHWM") // only told
	return n
}

// status reads a number of bytes from /proc/self/status.
func status(field string) (int64, error) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if words := bytes.Fields(lines.Bytes()); len(words) == 3 && string(words[0]) == field+":" {
			n, err := strconv.ParseInt(string(words[1]), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no %s", field)
}
