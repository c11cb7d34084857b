package gitserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// zeroCommit stands for "no commit" where a ref was created or deleted.
const zeroCommit = "0000000000000000000000000000000000000000"

// hint is the body of a webhook: of the fields that a forge's push event has those
// that say what moved where, and the list of addresses that Bitbucket Server's has.
type hint struct {
	Ref        string         `json:"ref"`
	Before     string         `json:"before"`
	After      string         `json:"after"`
	Repository hintRepository `json:"repository"`
}

type hintRepository struct {
	CloneURL string `json:"clone_url"`
	Links    struct {
		Clone []hintLink `json:"clone"`
	} `json:"links"`
}

type hintLink struct {
	Href string `json:"href"`
}

// describe names a repository by every address of the server.
func (s *Server) describe(repository string) (d hintRepository) {
	for _, url := range s.options.URLs {
		d.Links.Clone = append(d.Links.Clone, hintLink{strings.TrimSuffix(url, "/") + "/" + repository})
	}
	d.CloneURL = d.Links.Clone[0].Href
	return d
}

// announce queues a hint per ref that differs. Hints are lost rather than
// waited for when the queue is full: the receiver polls anyway.
func (s *Server) announce(repository string, before, after map[string]string) {
	for _, ref := range changed(before, after) {
		h := hint{ref, cmp.Or(before[ref], zeroCommit), cmp.Or(after[ref], zeroCommit), s.describe(repository)}
		s.options.Logger.Info("ref pushed", "repository", repository, "ref", ref, "before", h.Before, "after", h.After)
		if s.options.Webhook == "" {
			continue
		}
		select {
		case s.hints <- h:
		default:
			s.options.Logger.Warn("webhook queue is full", "repository", repository, "ref", ref)
		}
	}
}

// changed lists the refs that were created, moved or deleted, sorted.
func changed(before, after map[string]string) []string {
	var refs []string
	for ref, commit := range after {
		if before[ref] != commit {
			refs = append(refs, ref)
		}
	}
	for ref := range before {
		if _, there := after[ref]; !there {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

// sendHints is the one goroutine that talks to the webhook, so that hints
// arrive in the order of the pushes. It ends when the queue is closed and empty.
func (s *Server) sendHints() {
	defer close(s.done)
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{IdleConnTimeout: time.Minute}, // no proxy: the receiver is local
	}
	defer client.CloseIdleConnections()
	for h := range s.hints {
		if err := send(client, s.options.Webhook, h); err != nil {
			s.options.Logger.Warn("webhook failed", "ref", h.Ref, "repository", h.Repository.CloneURL, "error", err)
		}
	}
}

func send(client *http.Client, target string, h hint) error {
	body, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encoding hint: %w", err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("making webhook request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("sending webhook: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode >= 300 {
		return fmt.Errorf("sending webhook: answered %s", response.Status)
	}
	return nil
}
