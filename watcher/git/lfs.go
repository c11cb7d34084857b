package git

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

const (
	// lfsMedia is the type of the batch API's requests and answers.
	lfsMedia = "application/vnd.git-lfs+json"
	// lfsBatch is how many objects are asked for at once, what servers advise.
	lfsBatch = 100
	// lfsAnswer bounds the answer to that, in bytes.
	lfsAnswer = 4 << 20
)

// LFS fetches the contents of Git LFS pointers by the batch API over http(s):
// https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md.
//
// What it gives has the size and the SHA-256 of its pointer, or reading it ends
// with an error. The repository's credentials go to the server of the
// repository alone; a server elsewhere that keeps the objects gets what the
// answer says it should get.
type LFS struct {
	session  *Session
	http     *http.Client
	endpoint *url.URL
	auth     *githttp.BasicAuth
	located  map[string]lfsAction
}

// lfsAction is how an object is downloaded.
type lfsAction struct {
	Href   string            `json:"href"`
	Header map[string]string `json:"header"`
}

// LFS gives access to the objects of the session's repository.
func (s *Session) LFS() (*LFS, error) {
	if s.endpoint.Protocol == "ssh" {
		return nil, sourceIncomplete("Headway fetches LFS objects over https, and spec.url is one of ssh; set it to the https URL, or commit the file itself")
	}
	w, err := s.client.web(s.secret)
	if err != nil {
		return nil, err
	}
	base := strings.TrimRight(s.endpoint.String(), "/")
	if !strings.HasSuffix(base, ".git") {
		base += ".git"
	}
	at, err := url.Parse(base + "/info/lfs")
	if err != nil {
		return nil, errInvalidURL
	}
	return &LFS{
		session: s, endpoint: at, auth: w.auth, located: map[string]lfsAction{},
		http: &http.Client{Transport: w.base, CheckRedirect: checkRedirect},
	}, nil
}

// Locate asks where the objects are. It returns why the server does not give
// an object, by OID; the error is about all of them.
func (l *LFS) Locate(ctx context.Context, pointers []Pointer) (refused map[string]string, err error) {
	refused = map[string]string{}
	for batch := range slices.Chunk(pointers, lfsBatch) {
		if err := l.locate(ctx, batch, refused); err != nil {
			return nil, l.session.classify(ctx, err)
		}
	}
	return refused, nil
}

func (l *LFS) locate(ctx context.Context, pointers []Pointer, refused map[string]string) error {
	body, err := json.Marshal(map[string]any{"operation": "download", "transfers": []string{"basic"}, "objects": pointers})
	if err != nil {
		return fmt.Errorf("encoding a request for LFS objects: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.endpoint.JoinPath("objects", "batch").String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking for LFS objects: %w", err)
	}
	req.Header.Set("Accept", lfsMedia)
	req.Header.Set("Content-Type", lfsMedia)
	req.Header["Idempotency-Key"] = nil // not sent: lets net/http try again on a new connection
	res, err := l.send(req)
	if errors.Is(err, transport.ErrRepositoryNotFound) {
		return noLFS(l.session.endpoint.Host)
	}
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Objects []struct {
			OID     string `json:"oid"`
			Actions struct {
				Download lfsAction `json:"download"`
			} `json:"actions"`
			Error *struct {
				Message string `json:"message"`
			} `json:"error"`
		} `json:"objects"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, res.Body, lfsAnswer)).Decode(&answer); err != nil {
		return noLFS(l.session.endpoint.Host)
	}
	for _, p := range pointers {
		refused[p.OID] = "the server does not name it in its answer"
	}
	for _, o := range answer.Objects {
		switch {
		case o.Error != nil:
			refused[o.OID] = oneLine(o.Error.Message)
		case o.Actions.Download.Href != "":
			l.located[o.OID] = o.Actions.Download
			delete(refused, o.OID)
		}
	}
	return nil
}

// send sends a request, with the repository's credentials where it goes to the
// repository's server and brings none.
func (l *LFS) send(req *http.Request) (*http.Response, error) {
	if l.auth != nil && req.Header.Get("Authorization") == "" && l.ownServer(req) {
		req.SetBasicAuth(l.auth.Username, l.auth.Password)
	}
	res, err := l.http.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		body := res.Body
		res.Body = truncated{io.LimitReader(body, 4<<10), body}
		if err := githttp.NewErr(res); err != nil {
			return nil, err
		}
		_ = body.Close()
		return nil, fmt.Errorf("the server answered %s", res.Status)
	}
	return res, nil
}

func (l *LFS) ownServer(req *http.Request) bool {
	return req.URL.Scheme == l.endpoint.Scheme && req.URL.Host == l.endpoint.Host
}

// checkRedirect follows a download to another place, to which it takes none of
// the headers; a request for a batch is not sent elsewhere.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if via[0].Method != http.MethodGet || len(via) > 5 || first.Scheme == "https" && req.URL.Scheme != "https" {
		return http.ErrUseLastResponse
	}
	if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
		clear(req.Header)
	}
	return nil
}

func noLFS(host string) *Error {
	return sourceIncomplete("%s has no LFS objects for this repository; commit the file itself, or push it with \"git lfs push --all origin\"", host)
}
