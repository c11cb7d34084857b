// Package natstest has the tests of a package run against each kind of store:
// the server in their own process, three replicas, and an external server.
package natstest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// The kinds of store beside the one that is alone in this process, whose name is
// empty.
const (
	Replicas = "replicas"
	External = "external"
)

const variable = "HEADWAY_TEST_STORE"

// Kind is the kind of store that the tests of this process are for.
func Kind() string { return os.Getenv(variable) }

// Run runs tests once more, each in a process for the other kinds.
func Run(t *testing.T, tests ...string) {
	t.Helper()
	if Kind() != "" {
		t.Fatal("a test runs itself")
	}
	for _, kind := range []string{Replicas, External} {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^("+strings.Join(tests, "|")+")$", "-test.v", "-test.timeout=4m")
			cmd.Env = append(os.Environ(), variable+"="+kind)
			out, err := cmd.CombinedOutput()
			if passed := strings.Count("\n"+string(out), "\n--- PASS"); err != nil || passed != len(tests) {
				t.Errorf("%d of %d passed: %v\n%s", passed, len(tests), err, out)
			}
		})
	}
}

// Ports returns n ports of loopback that nobody listens on.
func Ports(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Peers are the addresses of these ports.
func Peers(ports []int) []string {
	var peers []string
	for _, port := range ports {
		peers = append(peers, fmt.Sprint("127.0.0.1:", port))
	}
	return peers
}

// Server runs a server on loopback as somebody else would, until the test ends,
// and returns its URL.
func Server(t testing.TB, dir string) string {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return srv.ClientURL()
}
