package ingress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// These bound the bytes of bodies from the first byte that is read until the
	// events are on disk. The log holds each twice more, so that a hundred events of a
	// megabyte at once stay below 128 MiB (eventing.BenchmarkLarge: 101 MiB). Each has
	// room for the largest event.
	roomInside, roomOutside = 16 << 20, 8 << 20
	// patience is how long a request waits for room.
	patience = 5 * time.Second
	// A body has to come within slowest, and a second more for each pace bytes.
	slowest, pace = 10 * time.Second, 64 << 10
)

// room is what bodies share: a number of bytes.
type room struct{ free *semaphore.Weighted }

func newRoom(size int64) *room { return &room{semaphore.NewWeighted(size)} }

// read returns the body of a request, of at most limit bytes. Where the request
// says that it has more, nothing of it is read. release has to be called when the
// body is not used any more.
func (m *room) read(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(), no *refusal) {
	size := r.ContentLength
	if size > limit {
		return nil, nil, tooLarge(limit)
	}
	if size < 0 { // chunked: it may become as large as it may
		size = limit
	}
	if err := m.enter(r.Context(), size); err != nil {
		return nil, nil, &refusal{kind: "busy", status: http.StatusServiceUnavailable, retryAfter: time.Second, closes: true,
			detail: "Too many large events are being taken in. Send again in a moment."}
	}
	release = func() { m.free.Release(size) }
	body, err := readAll(w, r, limit)
	switch {
	case err == nil && int64(len(body)) > limit:
		no = tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		no = &refusal{kind: "slow", status: http.StatusRequestTimeout, closes: true, err: err,
			detail: "The body did not come in time."}
	case err != nil:
		no = &refusal{kind: "broken-body", status: http.StatusBadRequest, closes: true, err: err,
			detail: "The body is malformed or incomplete."}
	default:
		return body, release, nil
	}
	release()
	return nil, nil, no
}

// enter takes a share of the room, and waits a moment for it.
func (m *room) enter(ctx context.Context, size int64) error {
	if m.free.TryAcquire(size) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return m.free.Acquire(ctx, size)
}

// readAll reads a body; of a chunked one at most a byte more than the limit.
func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	expected := r.ContentLength
	if expected < 0 {
		expected = limit
	}
	connection := http.NewResponseController(w)
	if err := connection.SetReadDeadline(time.Now().Add(slowest + time.Duration(expected/pace)*time.Second)); err != nil {
		return nil, fmt.Errorf("bounding the time for the body: %w", err)
	}
	var body []byte
	var err error
	if r.ContentLength > 0 {
		body = make([]byte, r.ContentLength)
		_, err = io.ReadFull(r.Body, body)
	} else {
		body, err = io.ReadAll(io.LimitReader(r.Body, limit+1))
	}
	if err != nil {
		return nil, err
	}
	// While the log is written, the server reads on to see whether the client has
	// gone; that read has no deadline.
	return body, connection.SetReadDeadline(time.Time{})
}

// tooLarge is the answer to a body over the limit. The connection ends with it, as
// the rest of the body is not read.
func tooLarge(limit int64) *refusal {
	return &refusal{kind: "too-large", status: http.StatusRequestEntityTooLarge, closes: true,
		detail: fmt.Sprintf("The body is larger than %d bytes, the maxEvent of this channel. Keep large data elsewhere and send where it is.", limit)}
}
