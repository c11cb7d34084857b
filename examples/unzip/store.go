package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

var (
	// errStore is in each error of the store: trying again later may help.
	errStore    = errors.New("the store")
	errNotFound = fmt.Errorf("%w has no such object", errStore)
	// errIndex is of a zip whose table of contents is longer than maxIndex.
	errIndex = errors.New("it has more entries than are read")
)

// headerOf is the metadata of a mark: the ETag of the zip.
const headerOf = "X-Amz-Meta-Of"

// store is S3, or what speaks like it.
type store struct {
	endpoint *url.URL
	keys     keys
	client   *http.Client
	now      func() time.Time
}

// do sends a request and returns an answer that is well.
func (s *store) do(ctx context.Context, method, bucket, key string, header http.Header, body io.Reader, size int64) (*http.Response, error) {
	to := *s.endpoint
	to.Path = strings.TrimSuffix(to.Path, "/") + "/" + bucket + "/" + key
	to.RawPath = escape(to.Path)
	if size == 0 {
		body = nil // else it is sent in chunks
	}
	request, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errStore, err)
	}
	request.Header, request.ContentLength = header, size
	sign(request, s.keys, s.now())
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%w is away: %v", errStore, err)
	}
	if answer.StatusCode/100 == 2 {
		return answer, nil
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
	answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound && !strings.Contains(string(text), "NoSuchBucket") {
		return nil, errNotFound
	}
	return nil, fmt.Errorf("%w answers %s to %s %s/%s: %s", errStore, answer.Status, method, bucket, key, text)
}

// put writes an object of a known size, with a note what it was made of.
func (s *store) put(ctx context.Context, bucket, key string, body io.Reader, size int64, of string) error {
	header := http.Header{}
	if of != "" {
		header.Set(headerOf, of)
	}
	answer, err := s.do(ctx, http.MethodPut, bucket, key, header, body, size)
	if errors.Is(err, errNotFound) {
		return fmt.Errorf("%w cannot take %s/%s", errStore, bucket, key)
	} else if err != nil {
		return err
	}
	return answer.Body.Close()
}

// object is read in blocks, of which it keeps one: a zip is read from its end and
// then from its begin on.
type object struct {
	ctx         context.Context
	store       *store
	bucket, key string
	size        int64
	etag, of    string
	left        int64 // bytes that may be read; unlimited: all
	at          int64 // of block
	block       []byte
}

const (
	blockSize = 1 << 20
	unlimited = -1
)

// open finds an object.
func (s *store) open(ctx context.Context, bucket, key string) (*object, error) {
	answer, err := s.do(ctx, http.MethodHead, bucket, key, http.Header{}, nil, 0)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	return &object{
		ctx: ctx, store: s, bucket: bucket, key: key, left: unlimited,
		size: answer.ContentLength, etag: answer.Header.Get("ETag"), of: answer.Header.Get(headerOf),
	}, nil
}

// ReadAt is of io.ReaderAt.
func (o *object) ReadAt(p []byte, off int64) (n int, err error) {
	if o.left != unlimited {
		if o.left -= int64(len(p)); o.left < 0 {
			return 0, errIndex
		}
	}
	for n < len(p) {
		if off+int64(n) >= o.size {
			return n, io.EOF
		}
		if err := o.fetch(off + int64(n)); err != nil {
			return n, err
		}
		n += copy(p[n:], o.block[off+int64(n)-o.at:])
	}
	return n, nil
}

// fetch has a block with a byte, of the object as it was when it was opened.
func (o *object) fetch(off int64) error {
	if off >= o.at && off < o.at+int64(len(o.block)) {
		return nil
	}
	at := off / blockSize * blockSize
	end := min(at+blockSize, o.size)
	header := http.Header{}
	header.Set("Range", "bytes="+strconv.FormatInt(at, 10)+"-"+strconv.FormatInt(end-1, 10))
	header.Set("If-Match", o.etag)
	answer, err := o.store.do(o.ctx, http.MethodGet, o.bucket, o.key, header, nil, 0)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	block := make([]byte, end-at)
	if _, err := io.ReadFull(answer.Body, block); err != nil {
		return fmt.Errorf("%w breaks off: %v", errStore, err)
	}
	o.at, o.block = at, block
	return nil
}
