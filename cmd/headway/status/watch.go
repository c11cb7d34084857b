package status

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/headway-dev/headway/cmd/headway/cli"
)

// watchStatus prints the status again whenever it differs from the last one
// printed: in place on a terminal, one below the other elsewhere. An
// interruption ends it without an error.
func watchStatus(ctx context.Context, out io.Writer, c *cli.Cluster, namespace, app string) error {
	onScreen, show := cli.IsTerminal(out), below(out)
	if onScreen {
		show = (&screen{out: out, size: func() (int, int) { return sizeOf(out.(*os.File)) }}).show
	}
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	last := ""
	for first := true; ; first = false {
		text, key := "", ""
		s, err := readState(ctx, c, namespace, app)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			text = fmt.Sprintf("(%v)\n", c.Advise(err))
			key = text
		default:
			v := view{paint: cli.PaintFor(out), now: time.Now(), namespace: namespace, app: app}
			text = rendered(s, v)
			key = text
			if !onScreen {
				// An age that grows is no news.
				v.now = time.Time{}
				key = rendered(s, v)
			}
		}
		if key != last {
			if err := show(text); err != nil {
				return fmt.Errorf("printing the status: %w", err)
			}
			last = key
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func rendered(s *state, v view) string {
	var b strings.Builder
	s.write(&b, v)
	return b.String()
}

// below prints texts one below the other.
func below(out io.Writer) func(text string) error {
	before := ""
	return func(text string) error {
		_, err := io.WriteString(out, before+text)
		before = "\n"
		return err
	}
}
