// Package health asks an app once whether it can take requests, by the rule of
// the kubelet's checks. It neither repeats the question nor remembers an answer.
package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// limit bounds one question.
const limit = time.Second

// dialer: a connection to a pod of the same cluster takes less than a
// millisecond. A packet lost while the pod's network comes up would otherwise
// cost the kernel's one second until the next try.
var dialer = net.Dialer{Timeout: 100 * time.Millisecond}

// client makes each question on a connection of its own, like the kubelet.
var client = &http.Client{
	Timeout:       limit,
	Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Check returns nil if the app at address, host:port, takes requests: the path
// answers 2xx or 3xx or, where it is empty, the port accepts a connection. agent
// is who asks.
func Check(ctx context.Context, agent, address, path string) error {
	if path == "" {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("connecting to %s: %w", address, err)
		}
		return conn.Close()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return fmt.Errorf("making the health request: %w", err)
	}
	request.Header.Set("User-Agent", agent)
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s: %w", path, err)
	}
	_ = response.Body.Close() // only the status counts
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("%s answers %s", path, response.Status)
	}
	return nil
}
