package events

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
)

// chosen is what the flags of list and tail say.
type chosen struct {
	from, kind   string
	max          int
	follow, data bool
}

func (f *chosen) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"from": f.from, "type": f.kind, "max": strconv.Itoa(f.max)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, on := range map[string]bool{"follow": f.follow, "data": f.data} {
		if on {
			q.Set(name, "1")
		}
	}
	return q
}

func newList(s cli.Streams, a *cli.Access) *cobra.Command {
	var f chosen
	var output cli.Output
	c := &cobra.Command{
		Use:   "list CHANNEL",
		Short: "List events that a channel has",
		Long: `List events that a channel of the namespace has: the newest ones, or those from
a time or a sequence number on.`,
		Example: `  headway events list orders --max 5
  headway events list orders --from 2026-05-04T12:00:00Z --type order.created -o json`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.Complete(channelNames),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			document := struct {
				Events []explain.StoredEvent `json:"events"`
			}{Events: []explain.StoredEvent{}}
			err := each(ctx, c, args[0], f.query(), func(e *explain.StoredEvent) error {
				document.Events = append(document.Events, *e)
				return nil
			})
			if err != nil {
				return err
			}
			if len(document.Events) == 0 && output == "" {
				_, err := fmt.Fprintf(s.Err, "Channel %s has no such event.\n", args[0])
				return err
			}
			return output.Print(s.Out, document, func(w io.Writer) { writeEvents(w, document.Events) })
		}),
	}
	output.Flag(c)
	f.flags(c)
	c.Flags().StringVar(&f.from, "from", "", "earliest, a sequence number, or a time such as 2026-05-04T12:00:00Z (default: the newest events)")
	c.Flags().IntVar(&f.max, "max", 20, "how many events at most, up to 10000")
	return c
}

func newTail(s cli.Streams, a *cli.Access) *cobra.Command {
	f := chosen{from: ""}
	c := &cobra.Command{
		Use:   "tail CHANNEL",
		Short: "Print the newest events of a channel, and those that come",
		Example: `  headway events tail orders --follow
  headway events tail orders -f --type order.created --data`,
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.Complete(channelNames),
		RunE: a.Run(func(ctx context.Context, c *cli.Cluster, args []string) error {
			err := each(ctx, c, args[0], f.query(), func(e *explain.StoredEvent) error {
				_, err := fmt.Fprintln(s.Out, line(e))
				return err
			})
			if errors.Is(err, context.Canceled) {
				return nil // as people end it
			}
			return err
		}),
	}
	f.flags(c)
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on with the events that come")
	c.Flags().IntVar(&f.max, "max", 10, "how many events to begin with, up to 10000")
	return c
}

func (f *chosen) flags(c *cobra.Command) {
	c.Flags().StringVarP(&f.kind, "type", "t", "", "only events of this type")
	c.Flags().BoolVar(&f.data, "data", false, "with their data, which may be secret")
}

// each calls do with the events of an answer, one after the other.
func each(ctx context.Context, c *cli.Cluster, channel string, query url.Values, do func(*explain.StoredEvent) error) error {
	response, err := ask(ctx, c, query, "events", c.Namespace, channel)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewReader(response.Body)
	for {
		text, err := lines.ReadBytes('\n')
		if len(text) > 1 && err == nil {
			var e explain.StoredEvent
			if err := json.Unmarshal(text, &e); err != nil {
				return fmt.Errorf("reading an event of channel %s: %w", channel, err)
			}
			if err := do(&e); err != nil {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("reading the events of channel %s: the answer broke off: %w", channel, err)
		}
	}
}

// writeEvents is a line for each event, and its data where that was asked for.
func writeEvents(w io.Writer, items []explain.StoredEvent) {
	var g cli.Grid
	g.Header("SEQUENCE", "ACCEPTED", "TYPE", "SOURCE", "ID", "BYTES")
	for i := range items {
		e := &items[i]
		g.Row(cli.Plain(strconv.FormatUint(e.Sequence, 10)), cli.Plain(e.Accepted.UTC().Format(time.DateTime)+"Z"), cli.Plain(cli.Printable(e.Type, 60)),
			cli.Plain(cli.Printable(e.Source, 60)), cli.Plain(cli.Printable(e.ID, 100)), cli.Plain(explain.Bytes(int64(e.Bytes))))
	}
	g.Write(w)
	for i := range items {
		if data := Data(&items[i]); data != "" {
			_, _ = fmt.Fprintf(w, "\n%d: %s\n", items[i].Sequence, data)
		}
	}
}

// line is an event as tail prints it.
func line(e *explain.StoredEvent) string {
	text := fmt.Sprintf("%d %s %s %s %s", e.Sequence, e.Accepted.UTC().Format(time.RFC3339), cli.Printable(e.Type, 100), cli.Printable(e.Source, 100), cli.Printable(e.ID, 200))
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		if name != "time" && name != "datacontenttype" {
			text += " " + name + "=" + cli.Printable(e.Attributes[name], 100)
		}
	}
	if data := Data(e); data != "" {
		text += "\n    " + strings.ReplaceAll(data, "\n", "\n    ")
	}
	return text
}

// maxData is how many characters of data are printed; -o json has all of it.
const maxData = 16 << 10

// Data is that of an event as text for a terminal; "" is none.
func Data(e *explain.StoredEvent) string {
	if len(e.DataBase64) > 0 {
		return fmt.Sprintf("(%s that are no text)", explain.Bytes(int64(len(e.DataBase64))))
	}
	var lines []string
	for text := range strings.Lines(e.Data) {
		lines = append(lines, cli.Printable(strings.TrimRight(text, "\r\n"), maxData))
	}
	return strings.Join(lines, "\n")
}
