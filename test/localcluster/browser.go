package localcluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
)

// Browser finds *.localhost on loopback, as browsers and curl do whatever the
// machine's resolver says. A request may take 30 s.
func Browser() *http.Client { return BrowserAt("") }

// BrowserAt is a Browser that finds every host at one address, such as that of
// one of the activators; "" is where each is.
func BrowserAt(server string) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: 100,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(address)
				switch {
				case err != nil:
					return nil, err
				case server != "":
					address = server
				case strings.HasSuffix(host, ".localhost"):
					address = net.JoinHostPort("127.0.0.1", port)
				}
				return dialer.DialContext(ctx, network, address)
			},
		},
	}
}

// URL is how people reach an app; it ends in a slash.
func URL(app, namespace string) string {
	return "http://" + app + "." + namespace + ".localhost:" + layout.PublicPort + "/"
}

// Answer is what a URL gave.
type Answer struct {
	Status int
	Body   string
}

// Fetch gets a URL; any status is an answer. The body may have 1 MiB.
func Fetch(ctx context.Context, web *http.Client, url string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Answer{}, err
	}
	return Do(web, request)
}

// Do sends a request; any status is an answer. The body may have 1 MiB.
func Do(web *http.Client, request *http.Request) (Answer, error) {
	response, err := web.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	return Answer{response.StatusCode, string(body)}, nil
}
