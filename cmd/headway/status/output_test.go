package status

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

var errFull = errors.New("no space left on device")

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestFullDisk checks that nobody takes half a table for all of it.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(objects()...).Build(), Namespace: "default"}
	for name, print := range map[string]func(io.Writer) error{
		"status":         func(w io.Writer) error { return printStatus(ctx, w, "", c, "default", "") },
		"status of app":  func(w io.Writer) error { return printStatus(ctx, w, "", c, "default", "shop") },
		"status -o json": func(w io.Writer) error { return printStatus(ctx, w, "json", c, "default", "") },
		"status -o yaml": func(w io.Writer) error { return printStatus(ctx, w, "yaml", c, "default", "") },
		"repo list": func(w io.Writer) error {
			return printRepositories(ctx, cli.Streams{Out: w, Err: io.Discard}, "", c, noon)
		},
	} {
		if err := print(full{}); !errors.Is(err, errFull) {
			t.Errorf("%s on a full disk: error %v", name, err)
		}
		var b bytes.Buffer
		if err := print(&b); err != nil || b.Len() == 0 {
			t.Errorf("%s: error %v, %d bytes", name, err, b.Len())
		}
	}
}
