//go:build e2e

package e2e

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestStreamsGetGrace: a download and a WebSocket go on when traffic moves to a
// new revision, and for `timeout` when their pod is deleted, which is how pods
// are taken away at a scale-down, too. Only then the WebSocket ends.
func TestStreamsGetGrace(t *testing.T) {
	t.Parallel()
	const timeout = 8 * time.Second
	tm := newTeam(t)
	code, first := tm.startMeterAs("timeout: 8s\nscale: {idle: 5s}")
	socket := tm.openSocket()
	rolled := tm.startDownload(70) // longer than idle
	code.write("headway.yaml", meterSpec(t, "meter", "timeout: 8s\nscale: {idle: 5s, min: 1}"))
	second := code.push("Second")
	tm.waitLive("meter", second)
	if told := rolled.wait(t); told {
		t.Error("the pod of the first revision was told to leave while a download ran")
	}
	socket.wantEcho(t, "after the move")

	download := tm.startDownload(50)
	deleted := time.Now()
	for _, revision := range []string{first, revisionName("meter", second)} {
		running, _ := tm.podsOf(revision)
		if len(running) != 1 {
			t.Fatalf("%s has %d pods, want the one with the stream", revision, len(running))
		}
		if err := kube.Delete(t.Context(), &running[0]); client.IgnoreNotFound(err) != nil {
			t.Fatalf("deleting a pod: %v", err)
		}
	}
	for time.Since(deleted) < timeout {
		socket.wantEcho(t, "in the time of grace")
		time.Sleep(200 * time.Millisecond)
	}
	if told := download.wait(t); !told {
		t.Error("no line came after SIGTERM")
	}
	socket.waitClosed(t)
	if lasted := time.Since(deleted); lasted > timeout+15*time.Second {
		t.Errorf("the WebSocket ended %s after its pod was deleted", lasted)
	}
}
