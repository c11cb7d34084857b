package gitserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// hint is the body of a webhook: of the fields that a forge's push event has the
// one that names the repository, and the list of addresses that Bitbucket
// Server's has.
type hint struct {
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

// webhooks sends hints past any proxy: the receiver is local.
var webhooks = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{IdleConnTimeout: time.Minute}}

// announce tells the webhook of a push, which does not wait for that. A hint may
// be lost: the receiver polls anyway.
func (s *Server) announce(repository string) {
	s.options.Logger.Info("pushed", "repository", repository)
	if s.options.Webhook == "" {
		return
	}
	s.hints.Go(func() {
		if err := s.send(repository); err != nil {
			s.options.Logger.Warn("webhook failed", "repository", repository, "error", err)
		}
	})
}

// send names a repository by every address of the server.
func (s *Server) send(repository string) error {
	var h hint
	for _, url := range s.options.URLs {
		h.Repository.Links.Clone = append(h.Repository.Links.Clone, hintLink{strings.TrimSuffix(url, "/") + "/" + repository})
	}
	h.Repository.CloneURL = h.Repository.Links.Clone[0].Href
	body, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encoding hint: %w", err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.options.Webhook, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("sending webhook: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := webhooks.Do(request)
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
