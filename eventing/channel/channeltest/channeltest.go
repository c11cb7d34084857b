// Package channeltest starts the servers that the tests of what stands on channels
// are run against.
package channeltest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/natstest"
)

// servers are those of each folder, for the process.
var servers sync.Map // of *channel.Server

// Server returns a server of a kind, as natstest names them, that keeps everything
// in a folder and outlives who uses it: asked for again, the folder has the same
// one. It ends with the first test that asked.
func Server(t testing.TB, kind, dir string) *channel.Server {
	t.Helper()
	if s, ok := servers.Load(dir); ok {
		return s.(*channel.Server)
	}
	var first *channel.Server
	if kind == natstest.External {
		first = start(t, channel.Options{NATS: &channel.NATS{URL: natstest.Server(t, dir), Replicas: 1}})
	} else {
		ports := natstest.Ports(t, 3)
		for i := range ports {
			s := start(t, channel.Options{Dir: filepath.Join(dir, fmt.Sprint(i)), LowDisk: 1, Cluster: &channel.Cluster{
				Name: fmt.Sprint("replica-", i), Listen: "127.0.0.1", Port: ports[i], Password: "secret", Peers: natstest.Peers(ports),
			}})
			if first == nil {
				first = s
			}
		}
	}
	if err := first.Await(context.Background()); err != nil {
		t.Fatal(err)
	}
	servers.Store(dir, first)
	return first
}

func start(t testing.TB, o channel.Options) *channel.Server {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	s, err := channel.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
