//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestTakeover: when the leader of two replicas is killed by the kernel, one of them
// takes over, and a push of that moment goes live.
func TestTakeover(t *testing.T) {
	tm := newTeam(t)
	code := tm.clone("static")
	first := code.push("First")
	code.watch()
	tm.waitLive("static", first)
	for _, program := range controlPlane {
		tm.waitSystem(program)
		before, err := localcluster.Holder(t.Context(), kube, program)
		if err != nil {
			t.Fatal(err)
		}
		killLeader(t, program)
		began := time.Now()
		code.write(page, program+"\n")
		tm.waitLive("static", code.push("Killed "+program))
		t.Logf("%s: live %.1f s after the kill", program, time.Since(began).Seconds())
		eventually(t, soon, "another process leads "+program, func() error {
			after, err := localcluster.Holder(t.Context(), kube, program)
			if err == nil && after == before {
				err = fmt.Errorf("%s leads still", before)
			}
			return err
		})
	}
}

// killLeader ends the process that leads with SIGKILL: the pods' processes are those
// of this machine.
func killLeader(t *testing.T, program string) {
	t.Helper()
	leader, err := localcluster.Leader(t.Context(), kube, program)
	if err != nil {
		t.Fatal(err)
	}
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range environments {
		environment, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(append([]byte{0}, environment...), []byte("\x00HOSTNAME="+leader.Name+"\x00")) {
			continue // it has ended, or is another one
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatalf("killing process %d of %s: %v", pid, leader.Name, err)
		}
		t.Logf("killed process %d of %s", pid, leader.Name)
		return
	}
	t.Fatalf("%s has no process", leader.Name)
}
