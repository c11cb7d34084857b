package proxy

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/headway-dev/headway/scaler/activator/life"
)

// wrap makes resp's body call done when it is closed, with whether it was read
// to its end, and idle when no byte has moved for life.StreamIdle.
func wrap(resp *http.Response, done func(complete bool), idle func()) io.ReadCloser {
	if conn, ok := resp.Body.(io.ReadWriteCloser); ok && resp.StatusCode == http.StatusSwitchingProtocols {
		return &upgraded{ReadWriteCloser: conn, done: done}
	}
	return &stream{ReadCloser: resp.Body, done: done, timer: time.AfterFunc(life.StreamIdle, idle)}
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
		s.timer.Reset(life.StreamIdle)
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
