package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/deploy/kubectl"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/pki"
	"github.com/headway-dev/headway/deploy/local/process"
)

// cluster is what the steps share.
type cluster struct {
	places layout.Layout
	// bin holds the compiled programs; set by the step "components".
	bin string
	// authority signs the cluster's certificates; set by the step "certificates".
	authority *pki.Authority
	// eventingReplicas is how many pods keep events.
	eventingReplicas int
}

// program is the path of a compiled program.
func (c *cluster) program(name string) string { return filepath.Join(c.bin, name) }

// launch makes a program run with these settings and waits until it is healthy;
// its path is that of the compiled one of its name unless it says so. A program
// that ends while it is waited for fails the step at once.
func (c *cluster) launch(ctx context.Context, s *report, p process.Program, healthy func(context.Context) error) error {
	if p.Path == "" {
		p.Path = c.program(p.Name)
	}
	p.Log = c.places.Log(p.Name)
	started, err := process.Ensure(ctx, p)
	if err != nil {
		return err
	}
	s.result("running already")
	if started {
		s.result("started")
	}
	s.waitFor(p.Name + " to be healthy")
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	err = poll(ctx, 2*time.Minute, 50*time.Millisecond, func(ctx context.Context) error {
		if running, err := process.Running(p.Name, p.Path); err != nil || !running {
			giveUp(fmt.Errorf("%s ended right after its start", p.Name))
		}
		return healthy(ctx)
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// listening checks that something accepts connections at a port of the node. That
// is all that can be asked of a program whose serving certificate nobody signed;
// what it does shows in the steps after it.
func listening(port string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(layout.NodeIP, port))
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// answers checks that a URL of the cluster answers 200.
func (c *cluster) answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := c.get(ctx, url, "")
		return err
	}
}

// get asks a URL of this machine past any proxy, and returns the beginning of the
// answer; any but 200 is an error. host is what the request names, when that is not
// the URL's own. It presents the administrator's certificate and trusts the
// cluster's authority alone.
func (c *cluster) get(ctx context.Context, url, host string) (string, error) {
	authority, err := os.ReadFile(c.authority.Cert("ca"))
	if err != nil {
		return "", fmt.Errorf("reading the authority: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.authority.Cert("admin"), c.authority.Key("admin"))
	if err != nil {
		return "", fmt.Errorf("reading the administrator's certificate: %w", err)
	}
	settings := &tls.Config{RootCAs: x509.NewCertPool(), Certificates: []tls.Certificate{pair}}
	settings.RootCAs.AppendCertsFromPEM(authority)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: settings}}
	defer client.CloseIdleConnections()

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	request.Host = host
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %s", url, response.Status, command.LastLines(string(body), 5))
	}
	return string(body), err
}

// kubectl is the compiled one, as administrator.
func (c *cluster) kubectl() kubectl.Kubectl {
	return kubectl.Kubectl{Path: c.program("kubectl"), Kubeconfig: c.places.Kubeconfig()}
}

// apply makes the objects of a YAML stream be as written there.
func (c *cluster) apply(ctx context.Context, objects []byte) error {
	return c.kubectl().Apply(ctx, "headway-local", objects)
}

// call runs a program of the machine with an input.
func call(ctx context.Context, stdin, name string, args ...string) error {
	program := exec.CommandContext(ctx, name, args...)
	program.Stdin = strings.NewReader(stdin)
	_, err := command.Output(program)
	return err
}
