package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

const (
	// usualEvents is how many events are listed, mostEvents how many can be.
	usualEvents, mostEvents = 20, 10_000
	// readEvents and readBytes are how much is read at a time.
	readEvents, readBytes = 200, 1 << 20
	// pulse is how often a stream without events shows that it goes on; what takes
	// longer than stuck to be written has no reader.
	pulse, stuck = 15 * time.Second, 30 * time.Second
)

// wish is what is asked of a channel.
type wish struct {
	from   string
	max    int
	kind   string // the type; "" is any
	follow bool
	data   bool
}

func parseWish(q url.Values) (wish, error) {
	ask := wish{from: q.Get("from"), kind: q.Get("type"), follow: q.Get("follow") != "", data: q.Get("data") != "", max: usualEvents}
	if ask.follow {
		ask.max = 0 // at the beginning
	}
	if n := q.Get("max"); n != "" {
		var err error
		if ask.max, err = strconv.Atoi(n); err != nil || ask.max < 0 || ask.max > mostEvents {
			return ask, fmt.Errorf("max is a number up to %d, not %q", mostEvents, n)
		}
	}
	return ask, nil
}

// list answers with the events of a channel.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	name := types.NamespacedName{Namespace: r.PathValue("namespace"), Name: r.PathValue("channel")}
	if no := h.mayRead(r, name.Namespace); no != nil {
		no.write(w)
		return
	}
	ask, err := parseWish(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error()+".")
		return
	}
	c, ok := h.Channels.Channel(name)
	if !ok {
		refuse(w, http.StatusNotFound, "There is no such channel.")
		return
	}
	ctx := r.Context()
	if !ask.follow {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, longest)
		defer cancel()
	}
	from, err := begin(ctx, c, ask)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error()+".")
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := lines{w: w, controller: http.NewResponseController(w)}
	if ask.follow {
		err = follow(ctx, c, ask, from, &out)
	} else {
		_, err = copyEvents(ctx, c, ask, from, ask.max, &out)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errGone) {
		panic(http.ErrAbortHandler) // so that the list does not look complete
	}
}

// begin is the number from which a list begins.
func begin(ctx context.Context, c *channel.Channel, ask wish) (uint64, error) {
	state := c.State()
	switch {
	case ask.from == "" && ask.kind != "" && !ask.follow, ask.from == "earliest":
		return state.First, nil
	case ask.from == "":
		return max(state.First, state.Last+1-min(uint64(ask.max), state.Last)), nil
	case ask.from == "now":
		return state.Last + 1, nil
	}
	if seq, err := strconv.ParseUint(ask.from, 10, 64); err == nil {
		return max(seq, state.First), nil
	}
	at, err := time.Parse(time.RFC3339, ask.from)
	if err != nil {
		return 0, fmt.Errorf("from is earliest, now, a sequence number or a time such as 2026-05-04T12:00:00Z, not %q", ask.from)
	}
	return c.SeqAt(ctx, at)
}

// copyEvents writes up to so many events from a number on; 0 is any number. It
// returns the number after the last one that was looked at.
func copyEvents(ctx context.Context, c *channel.Channel, ask wish, from uint64, most int, out *lines) (uint64, error) {
	for written := 0; ; {
		records, err := c.Read(ctx, from, readEvents, readBytes)
		if err != nil || len(records) == 0 {
			return from, err
		}
		for _, r := range records {
			from = r.Seq + 1
			e, err := event.Decode(r.Data)
			if err != nil || ask.kind != "" && e.Type != ask.kind {
				continue
			}
			if err := out.write(stored(c.Name(), r, e, ask.data)); err != nil {
				return from, err
			}
			if written++; written == most {
				return from, nil
			}
		}
	}
}

// follow writes what comes until the client goes.
func follow(ctx context.Context, c *channel.Channel, ask wish, from uint64, out *lines) error {
	if err := out.beat(); err != nil { // so that the client knows that it has begun
		return err
	}
	for {
		var err error
		if from, err = copyEvents(ctx, c, ask, from, 0, out); err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, pulse)
		err = c.Wait(wait, from-1)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			if err := out.beat(); err != nil {
				return err
			}
		case err != nil:
			return err
		}
	}
}

// errGone is the error of a client that takes nothing any more.
var errGone = errors.New("the client has gone")

// lines writes documents, each on its line.
type lines struct {
	w          http.ResponseWriter
	controller *http.ResponseController
}

func (l *lines) write(document any) error {
	b, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return l.put(append(b, '\n'))
}

func (l *lines) beat() error { return l.put([]byte{'\n'}) }

func (l *lines) put(b []byte) error {
	if err := l.controller.SetWriteDeadline(time.Now().Add(stuck)); err != nil {
		return fmt.Errorf("bounding the time for an event: %w", err)
	}
	if _, err := l.w.Write(b); err != nil {
		return errGone
	}
	if err := l.controller.Flush(); err != nil {
		return errGone
	}
	return nil
}
