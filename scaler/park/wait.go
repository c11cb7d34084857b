package park

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// connections are open at a time. A new one pushes out the oldest, so that
	// those who hold on to theirs keep nobody out.
	connections = 16
	// lineWithin is the time a connection has for its line.
	lineWithin = time.Second
)

// wait answers calls until one opens the gate, which returns nil, or ctx ends,
// which returns its error. It closes the listener.
func wait(ctx context.Context, listener net.Listener, g gate) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { listener.Close() })()

	var open [connections]net.Conn
	var answering sync.WaitGroup
	defer answering.Wait()
	defer func() {
		for _, connection := range open {
			if connection != nil {
				connection.Close()
			}
		}
	}()
	for next := 0; ; next = (next + 1) % connections {
		connection, err := listener.Accept()
		if err != nil {
			return ended(ctx, err)
		}
		if oldest := open[next]; oldest != nil {
			oldest.Close()
		}
		open[next] = connection
		answering.Go(func() {
			if answer(connection, g) {
				cancel(errWoken)
			}
		})
	}
}

var errWoken = errors.New("woken")

// ended is why no more calls are taken.
func ended(ctx context.Context, accepting error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errWoken) {
		return nil
	} else if cause != nil {
		return cause
	}
	return fmt.Errorf("waiting for a wake call: %w", accepting)
}

// answer hears one line and answers it, and reports whether it opens the gate.
// A call without a line gets no answer.
func answer(connection net.Conn, g gate) bool {
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(lineWithin)); err != nil {
		return false
	}
	line, err := bufio.NewReaderSize(connection, longestLine).ReadSlice('\n')
	switch {
	case err == nil:
		err = g.check(string(line[:len(line)-1]))
	case errors.Is(err, bufio.ErrBufferFull):
		err = errNotWake
	default:
		return false
	}
	reply := yes
	if err != nil {
		reply = noPrefix + err.Error()
	}
	// Who signed the call means it, also when the answer does not arrive.
	_, _ = io.WriteString(connection, reply+"\n")
	return err == nil
}
