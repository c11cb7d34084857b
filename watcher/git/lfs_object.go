package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
)

// Open gives the content of an object that was located. The download begins
// with the first read.
func (l *LFS) Open(ctx context.Context, p Pointer) io.ReadCloser {
	pace, ctx, done := paced(ctx)
	return &lfsObject{ctx: ctx, pace: pace, done: done, lfs: l, pointer: p, left: p.Size, sum: sha256.New()}
}

func (l *LFS) download(ctx context.Context, p Pointer) (io.ReadCloser, error) {
	action, ok := l.located[p.OID]
	if !ok {
		return nil, fmt.Errorf("LFS object %s was not located", p.OID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, action.Href, nil)
	if err != nil {
		return nil, fmt.Errorf("the server names %q as the place of an LFS object: %w", oneLine(action.Href), err)
	}
	for name, value := range action.Header {
		req.Header.Set(name, value)
	}
	res, err := l.send(req)
	if err != nil {
		return nil, classify(unwrap(ctx, err), req.URL.Hostname(), l.session.client.limits)
	}
	return res.Body, nil
}

// lfsObject is the content of an object. It fails, rather than ends, where the
// content is not that of the pointer.
type lfsObject struct {
	ctx     context.Context
	pace    *pace
	done    context.CancelFunc
	lfs     *LFS
	pointer Pointer
	body    io.ReadCloser
	left    int64
	sum     hash.Hash
}

func (o *lfsObject) Read(p []byte) (int, error) {
	if o.body == nil {
		body, err := o.lfs.download(o.ctx, o.pointer)
		if err != nil {
			return 0, err
		}
		o.body = body
	}
	n, err := o.pace.of(o.body).Read(p)
	o.left -= int64(n)
	_, _ = o.sum.Write(p[:n]) // a hash does not fail
	switch {
	case o.left < 0, errors.Is(err, io.EOF) && (o.left > 0 || hex.EncodeToString(o.sum.Sum(nil)) != o.pointer.OID):
		return 0, sourceIncomplete("the server sends other bytes than its pointer names; push the object again with \"git lfs push --all origin\"")
	case err != nil && !errors.Is(err, io.EOF):
		return n, classify(unwrap(o.ctx, err), o.lfs.session.endpoint.Host, o.lfs.session.client.limits)
	}
	return n, err
}

func (o *lfsObject) Close() error {
	o.done()
	if o.body == nil {
		return nil
	}
	return o.body.Close()
}
