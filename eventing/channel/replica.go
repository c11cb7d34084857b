package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Cluster is the replicas of which this process is one.
type Cluster struct {
	// Name of this replica: another one for each, and the same after a restart.
	Name string
	// Listen is the address for the other replicas.
	Listen string
	Port   int
	// Peers are the addresses of all replicas, host:port.
	Peers []string
	// Password is what they know each other by. Whoever has it, and reaches the
	// port, can read and write everything.
	Password string
}

const (
	// diskSubject is where replicas tell how much room they have.
	diskSubject = "headway.disk."
	// diskPause is how often.
	diskPause = 500 * time.Millisecond
	// user is that of the replicas among themselves.
	user = "replica"
)

// replica is one of several servers in as many processes, each with a disk of
// its own. What more than half of them have on disk is accepted.
type replica struct {
	opts   Options
	disk   *disk
	server *server.Server
	stop   context.CancelFunc
	done   sync.WaitGroup
}

func (r *replica) connect(ctx context.Context) (*nats.Conn, error) {
	if err := distrust(r.opts.Dir); err != nil {
		return nil, err
	}
	c := r.opts.Cluster
	o := &server.Options{
		ServerName: c.Name, StoreDir: filepath.Clean(r.opts.Dir),
		SyncAlways: true,
		// A server without a port for clients (2.15.2) waits for ever before it
		// speaks to others. Nobody but this process can use this one.
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Username: user, Password: c.Password,
		Cluster: server.ClusterOpts{Name: "headway-eventing", Host: c.Listen, Port: c.Port, Username: user, Password: c.Password},
	}
	for _, peer := range c.Peers {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", User: url.UserPassword(user, c.Password), Host: peer})
	}
	var conn *nats.Conn
	var err error
	if r.server, conn, err = launch(o, r.opts.Log); err != nil {
		return nil, err
	}
	return conn, r.tell(ctx, conn)
}

// tell has the replicas know how much room each of them has: where one disk is
// full, that replica stops for good, and the next failure is one too many.
func (r *replica) tell(ctx context.Context, conn *nats.Conn) error {
	_, err := conn.Subscribe(diskSubject+"*", func(m *nats.Msg) {
		if name := strings.TrimPrefix(m.Subject, diskSubject); name != r.opts.Cluster.Name && len(m.Data) == 8 {
			r.disk.told(name, int64(binary.BigEndian.Uint64(m.Data)), r.opts.Now())
		}
	})
	if err != nil {
		return fmt.Errorf("listening to other replicas: %w", err)
	}
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.done.Go(func() {
		tick := time.NewTicker(diskPause)
		defer tick.Stop()
		for {
			if free, err := r.disk.room(); err == nil {
				_ = conn.Publish(diskSubject+r.opts.Cluster.Name, binary.BigEndian.AppendUint64(nil, uint64(free))) // again soon
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

func (r *replica) replicas() int                  { return len(r.opts.Cluster.Peers) }
func (*replica) shared() bool                     { return true }
func (*replica) blocks(string) *blockFiles        { return nil }
func (r *replica) take(n int, now time.Time) bool { return r.disk.take(n, now) }
func (r *replica) ledger(ctx context.Context, js jetstream.JetStream) (ledger, error) {
	return openLedgerBucket(ctx, js, r.replicas(), r.opts.Log)
}

func (r *replica) ready() error {
	if status := r.server.Healthz(nil); status.Error != "" {
		return errors.New(status.Error)
	}
	return nil
}

func (r *replica) close() {
	if r.stop != nil {
		r.stop()
		r.done.Wait()
	}
	if r.server != nil {
		r.server.Shutdown()
		r.server.WaitForShutdown()
	}
}
