package pool

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/gitea"
	"github.com/headway-dev/headway/watcher/forge/github"
	"github.com/headway-dev/headway/watcher/forge/gitlab"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

// found is a forge on a server.
type found struct {
	kind string
	// site is where it is: the server, or a path below.
	site *url.URL
}

// look asks a server which forge it is. No credentials go with that: it may be
// any server.
func look(ctx context.Context, transport http.RoundTripper, p place) (found, error) {
	sites := []*url.URL{p.site}
	if len(p.path) > 2 {
		sites = append(sites, p.prefix())
	}
	var away error
	for _, site := range sites {
		for _, sign := range signs {
			status, said, err := ask(ctx, transport, site.JoinPath(sign.path))
			switch {
			case err != nil:
				away = err
			case sign.is(status, said):
				return found{sign.kind, site}, nil
			}
		}
	}
	if away != nil {
		return found{}, errors.Join(ctx.Err(), rest.Unreachable(p.site.Host, away))
	}
	return found{}, forge.Errorf(v1alpha1.ReasonForgeUnknown, "%s answers like no forge that Headway knows; set spec.forge.type to github, gitlab or gitea (for Forgejo too), and spec.forge.apiURL where its API is elsewhere, or remove spec.forge", p.site.Host)
}

// answer has the fields by which forges differ.
type answer struct {
	Version       string `json:"version"`
	Revision      string `json:"revision"`
	Message       string `json:"message"`
	URL           string `json:"url"`
	Documentation string `json:"documentation_url"`
	// Password is in GitHub's answer alone.
	Password *bool `json:"verifiable_password_authentication"`
}

// signs are what forges answer, also where they want credentials first.
var signs = []struct {
	kind, path string
	is         func(status int, said answer) bool
}{
	{gitea.Name, "api/v1/version", func(status int, said answer) bool {
		return status == http.StatusOK && said.Version != "" || refuses(status) && said.URL != "" && said.Message != ""
	}},
	{gitlab.Name, "api/v4/version", func(status int, said answer) bool {
		return status == http.StatusOK && said.Version != "" && said.Revision != "" || status == http.StatusUnauthorized && said.Message == "401 Unauthorized"
	}},
	{github.Name, "api/v3/meta", func(status int, said answer) bool {
		return status == http.StatusOK && said.Password != nil || refuses(status) && said.Documentation != ""
	}},
}

func refuses(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// ask gives the answer at an address; one that is no JSON object is empty.
func ask(ctx context.Context, transport http.RoundTripper, at *url.URL) (int, answer, error) {
	ctx, cancel := context.WithTimeout(ctx, rest.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return 0, answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "headway")
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	var said answer
	if err == nil && json.Unmarshal(body, &said) != nil {
		said = answer{}
	}
	return res.StatusCode, said, err
}

// detection remembers which forge a server is, and how long one that is none is
// left alone.
type detection struct {
	found found
	gate  rest.Gate
}

// detect is look, remembered for a server and path.
func (p *Pool) detect(ctx context.Context, transport http.RoundTripper, at place) (found, error) {
	key := at.prefix().String()
	p.mu.Lock()
	d := p.detections[key]
	if d == nil {
		d = &detection{}
		if len(p.detections) >= maxDetections {
			clear(p.detections)
		}
		p.detections[key] = d
	}
	known := d.found
	p.mu.Unlock()
	if known.kind != "" {
		return known, nil
	}
	now := time.Now()
	if err := d.gate.Check(now); err != nil {
		return found{}, err
	}
	f, err := look(ctx, transport, at)
	var failure *forge.Error
	switch {
	case ctx.Err() != nil:
		return found{}, ctx.Err()
	case errors.As(err, &failure):
		return found{}, d.gate.Refuse(now, failure, 0)
	case err != nil:
		return found{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	d.found = f
	return f, nil
}
