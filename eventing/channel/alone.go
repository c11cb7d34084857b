package channel

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxPayload fits the largest MaxEvent that a Channel may have, 8 MiB, with
	// attributes and headers, also in the base64 of an answer of a replica.
	maxPayload = 12 << 20

	// maxStore is what the server may reserve for all channels, in bytes: as
	// good as everything, because the sizes of channels are limits and not
	// reservations. What guards the disk is Options.LowDisk.
	maxStore = 1 << 50
)

// alone is the server in this process, without others and without any port.
type alone struct {
	opts   Options
	disk   *disk
	server *server.Server
	// believed is whether the server has not read everything.
	believed bool
}

func (a *alone) connect(context.Context) (*nats.Conn, error) {
	if err := distrust(a.opts.Dir); err != nil {
		return nil, err
	}
	var err error
	if a.believed, err = believe(a.opts.Dir, a.opts.Log); err != nil {
		return nil, err
	}
	var conn *nats.Conn
	a.server, conn, err = launch(&server.Options{ServerName: "headway-eventing", StoreDir: filepath.Clean(a.opts.Dir), DontListen: true}, a.opts.Log)
	return conn, err
}

func (*alone) replicas() int { return 1 }
func (*alone) shared() bool  { return false }
func (a *alone) blocks(stream string) *blockFiles {
	return &blockFiles{dir: filepath.Join(a.opts.Dir, "jetstream", server.DEFAULT_GLOBAL_ACCOUNT, "streams", stream, "msgs")}
}
func (*alone) ready() error                     { return nil }
func (a *alone) take(n int, now time.Time) bool { return a.disk.take(n, now) }
func (a *alone) ledger(context.Context, jetstream.JetStream) (ledger, error) {
	return openLedgerFile(a.opts.Dir, a.opts.Log)
}

func (a *alone) close() {
	if a.server != nil {
		a.server.Shutdown()
		a.server.WaitForShutdown()
	}
}

// distrust removes what the server would believe of its files without reading
// them, so that it reads and checks every event when it starts. Believed, an event
// that the disk has changed is found missing only when somebody reads it, and one
// changed bit in a sequence number keeps the server (2.15.2) from answering for ever:
// it counts its way to that number.
func distrust(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	folders, err := streamFolders(dir)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := removeOptional(indexPath(folder)); err != nil {
			return err
		}
	}
	return nil
}

func removeOptional(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
