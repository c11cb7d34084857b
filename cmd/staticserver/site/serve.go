package site

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/headway-dev/headway/cmd/program"
)

// grace is how long requests in flight may take after the server was told to
// stop; files are quick, slow readers are cut off.
const grace = 20 * time.Second

// Serve answers on the listener until the context ends, then lets the requests
// in flight finish. It closes the listener. fallback is that of New.
func Serve(ctx context.Context, listener net.Listener, folder, fallback string) error {
	defer listener.Close()
	root, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("opening folder: %w", err)
	}
	defer root.Close()
	return program.Serve(ctx, listener, New(root.FS(), fallback), grace)
}
