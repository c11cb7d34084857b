package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// openConnections bounds what an open-loop load has in flight; a request that
// finds none free waits, and its wait counts.
const openConnections = 64

// openLoad is an open-loop load.
type openLoad struct {
	address   string // host:port
	perSecond float64
	during    time.Duration
	// request is the n-th one as it is sent; due is when it should be.
	request func(n int, due time.Time) []byte
	// status of every answer.
	status int
}

// getting asks a URL for the same every time.
func getting(address, host string, perSecond float64, during time.Duration) (openLoad, error) {
	target, err := url.Parse(address)
	if err != nil {
		return openLoad{}, err
	}
	request := []byte("GET " + target.RequestURI() + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
	return openLoad{target.Host, perSecond, during, func(int, time.Time) []byte { return request }, http.StatusOK}, nil
}

// openLoop sends requests at an even rate, whatever becomes of those before, and
// takes each one's time from the moment at which it was due. So a pause of
// the other side is seen by all the requests that fall into it, which a
// generator that waits for its answers does not show.
//
// One goroutine writes, in a thread of its own that the kernel wakes to within
// 0.1 ms: the timers of Go's runtime are ten times as coarse. Each connection
// has a reader. The load costs no allocation, so that this program's garbage
// collector is not what is measured.
func openLoop(ctx context.Context, load openLoad) ([]float64, error) {
	ctx, stop := context.WithTimeout(ctx, load.during+10*time.Second)
	defer stop()
	free := make(chan *asker, openConnections)
	failed := make(chan error, openConnections)
	var took sample
	var group sync.WaitGroup
	defer group.Wait()
	for range openConnections {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", load.address)
		if err != nil {
			return nil, err
		}
		a := &asker{conn: conn, reader: bufio.NewReader(conn), due: make(chan time.Time, 1)}
		defer a.end()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		free <- a
		group.Go(func() {
			if err := a.read(&took, free, load.status); err != nil {
				failed <- err
			}
		})
	}
	if err := send(ctx, free, failed, load); err != nil {
		return nil, err
	}
	for range openConnections {
		select { // all answers are in when all connections are free
		case <-free:
		case err := <-failed:
			return nil, err
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the last answers: %w", ctx.Err())
		}
	}
	return took.sorted(), nil
}

// send writes each request when it is due.
func send(ctx context.Context, free <-chan *asker, failed <-chan error, load openLoad) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin := time.Now()
	for n := range int(load.perSecond * load.during.Seconds()) {
		due := begin.Add(time.Duration(float64(n) / load.perSecond * float64(time.Second)))
		request := load.request(n, due)
		sleepUntil(due)
		select {
		case a := <-free:
			a.due <- due
			if _, err := a.conn.Write(request); err != nil {
				return fmt.Errorf("sending a request: %w", err)
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// sleepUntil blocks the thread; interrupted, it sleeps on.
func sleepUntil(due time.Time) {
	for left := time.Until(due); left > 0; left = time.Until(due) {
		rest := syscall.NsecToTimespec(left.Nanoseconds())
		_ = syscall.Nanosleep(&rest, nil)
	}
}

// asker is a connection with at most one request on it.
type asker struct {
	conn   net.Conn
	reader *bufio.Reader
	due    chan time.Time // of the request that is on its way
}

// end makes read return.
func (a *asker) end() {
	close(a.due)
	a.conn.Close()
}

// read takes answers until due is closed.
func (a *asker) read(took *sample, free chan<- *asker, status int) error {
	for due := range a.due {
		if err := skipAnswer(a.reader, status); err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		took.add(time.Since(due))
		free <- a
	}
	return nil
}

// skipAnswer reads an answer with a length; another status is an error.
func skipAnswer(from *bufio.Reader, status int) error {
	line, err := from.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 "+strconv.Itoa(status)+" ")) {
		return fmt.Errorf("the answer begins with %.80q", line)
	}
	length := -1
	for {
		if line, err = from.ReadSlice('\n'); err != nil {
			return err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		key, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(key, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the answer has no length")
	}
	_, err = from.Discard(length)
	return err
}
