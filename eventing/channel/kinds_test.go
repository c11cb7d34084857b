package channel

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/headway-dev/headway/eventing/natstest"
)

// TestOtherStores runs the tests of what does not depend on where events are
// kept. Those of damaged files and full disks are for who has the disk.
func TestOtherStores(t *testing.T) {
	natstest.Run(t, "TestAppendAndRead", "TestReadIsBounded", "TestConcurrentAppends", "TestWait", "TestEnsureAndRemove", "TestSeqAt",
		"TestLookingWhileAppending", "TestFull", "TestOldEventsGo", "TestAnEventIsKeptOnce", "TestEqualEventsAtOnce")
}

// servers are those of each folder, which outlive the stores of a test.
var servers sync.Map // of []*Server

// openAs opens a store of a kind in a folder. Opened again, it is on the same
// servers.
func openAs(t *testing.T, kind string, o Options) (*Store, error) {
	t.Helper()
	if kind == "" {
		return Open(t.Context(), o)
	}
	all, ok := servers.Load(o.Dir)
	if !ok {
		all = startServers(t, kind, o)
		servers.Store(o.Dir, all)
	}
	used := *all.([]*Server)[0]
	used.opts = o.complete()
	return used.Open(t.Context())
}

func startServers(t *testing.T, kind string, o Options) []*Server {
	t.Helper()
	if kind == natstest.External {
		o.NATS = &NATS{URL: natstest.Server(t, o.Dir), Replicas: 1}
		return []*Server{startServer(t, o)}
	}
	ports := natstest.Ports(t, 3)
	var all []*Server
	for i := range ports {
		all = append(all, startServer(t, member(o, ports, i)))
	}
	return all
}

// member are the options of a replica on loopback.
func member(o Options, ports []int, i int) Options {
	o.Dir = filepath.Join(o.Dir, fmt.Sprint(i))
	o.Cluster = &Cluster{Name: fmt.Sprint("replica-", i), Listen: "127.0.0.1", Port: ports[i], Password: "secret", Peers: natstest.Peers(ports)}
	return o
}

func startServer(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
