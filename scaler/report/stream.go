package report

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/headway-dev/headway/scaler/decide"
)

// edgeGap is the shortest time between two frames, so that a queue that fills
// and empties all the time costs no more than 200 frames a second.
const edgeGap = 5 * time.Millisecond

// stream sends frames until ctx ends or the other side does not take them. It
// always returns an error.
func (c *Client) stream(ctx context.Context, addr string, edge <-chan struct{}) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	body, pipe := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+Path, body)
	if err != nil {
		cancel(nil)
		return fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set(identityHeader, c.options.Identity)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		err := c.post(request)
		body.CloseWithError(err)
		cancel(err)
	}()
	err = c.send(ctx, cancel, pipe, edge)
	cancel(err)
	pipe.CloseWithError(err)
	<-answered
	return err
}

// post returns when the other side has ended the stream.
func (c *Client) post(request *http.Request) error {
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("reporting: %w", err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, 200))
	return fmt.Errorf("reporting: the other side answered %s: %s", response.Status, text)
}

// send writes the frames.
func (c *Client) send(ctx context.Context, cancel context.CancelCauseFunc, w io.Writer, edge <-chan struct{}) error {
	counted := newSums(c.options.Samples)
	line := json.NewEncoder(w)
	stalled := time.AfterFunc(silence, func() { cancel(fmt.Errorf("reporting: nothing taken for %s", silence)) })
	defer stalled.Stop()
	tick := time.NewTicker(decide.Cadence)
	defer tick.Stop()
	for {
		stalled.Reset(silence)
		if err := line.Encode(counted.next(c.options.Samples)); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("reporting: %w", err)
		}
		sent := time.Now()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		case <-edge:
			select {
			case <-time.After(edgeGap - time.Since(sent)):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
}
