package proxy

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"sync/atomic"
	"time"
)

// wrap makes resp's body call done when it is closed, with whether it was read
// to its end, and idle when no byte has moved for streamIdle.
func wrap(resp *http.Response, done func(complete bool), idle func()) io.ReadCloser {
	if conn, ok := resp.Body.(io.ReadWriteCloser); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		return &upgraded{ReadWriteCloser: conn, done: done}
	}
	return &stream{ReadCloser: resp.Body, done: done, timer: time.AfterFunc(streamIdle, idle)}
}

// incoming is the body of a request. It notes whether reading it failed, and
// the trailers when it has ended.
type incoming struct {
	io.ReadCloser
	of      *http.Request
	trailer http.Header
	failed  atomic.Bool
}

// newIncoming wraps the body of r, as net/http has made it: only there do
// trailers appear that were not announced.
func newIncoming(r *http.Request) *incoming {
	i := &incoming{ReadCloser: r.Body, of: r, trailer: r.Trailer}
	if i.trailer == nil {
		i.trailer = http.Header{}
	}
	return i
}

func (i *incoming) Read(p []byte) (int, error) {
	n, err := i.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		maps.Copy(i.trailer, i.of.Trailer)
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, http.ErrBodyReadAfterClose) {
		i.failed.Store(true)
	}
	return n, err
}

// withTrailers is the body of a response. It calls read when the trailers are
// there.
type withTrailers struct {
	io.ReadCloser
	read func()
}

func (w *withTrailers) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		w.read()
	}
	return n, err
}

// stream is the body of a response.
type stream struct {
	io.ReadCloser
	done     func(complete bool)
	complete bool
	timer    *time.Timer
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err == nil {
		s.timer.Reset(streamIdle)
	}
	s.complete = s.complete || errors.Is(err, io.EOF)
	return n, err
}

func (s *stream) Close() error {
	s.timer.Stop()
	err := s.ReadCloser.Close()
	s.done(s.complete)
	return err
}

// upgraded is the pod's side of an upgraded connection.
type upgraded struct {
	io.ReadWriteCloser
	done func(complete bool)
}

func (u *upgraded) Close() error {
	err := u.ReadWriteCloser.Close()
	u.done(false)
	return err
}

// CloseWrite ends one direction: the client has no more to say.
func (u *upgraded) CloseWrite() error {
	if half, ok := u.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return u.Close()
}
