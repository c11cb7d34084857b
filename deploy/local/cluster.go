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
	// images maps the name of an image to its reference in the registry; set by
	// the steps that push images.
	images map[string]string
}

// program is the path of a compiled program.
func (c *cluster) program(name string) string { return filepath.Join(c.bin, name) }

// launch makes a compiled program run with these settings and waits until it is
// healthy. A program that ends while it is waited for fails the step at once.
func (c *cluster) launch(ctx context.Context, s *report, p process.Program, healthy func(context.Context) error) error {
	p.Path, p.Log = c.program(p.Name), c.places.Log(p.Name)
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

// listening checks that something accepts connections.
func listening(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return err
		}
		return connection.Close()
	}
}

// answers checks that a URL of the cluster answers 200. It presents the
// administrator's certificate and trusts the cluster's authority alone.
func (c *cluster) answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		client, err := c.client()
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			body, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
			return fmt.Errorf("%s answers %s: %s", url, response.Status, lastLines(string(body), 5))
		}
		return nil
	}
}

func (c *cluster) client() (*http.Client, error) {
	settings := &tls.Config{RootCAs: x509.NewCertPool()}
	if c.authority != nil {
		authority, err := os.ReadFile(c.authority.Cert("ca"))
		if err != nil {
			return nil, fmt.Errorf("reading the authority: %w", err)
		}
		settings.RootCAs.AppendCertsFromPEM(authority)
		pair, err := tls.LoadX509KeyPair(c.authority.Cert("admin"), c.authority.Key("admin"))
		if err != nil {
			return nil, fmt.Errorf("reading the administrator's certificate: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: settings}}, nil
}

// kubectl runs the compiled kubectl as administrator; stdin and stdout may be nil.
func (c *cluster) kubectl(ctx context.Context, stdin io.Reader, stdout io.Writer, args ...string) error {
	command := exec.CommandContext(ctx, c.program("kubectl"), args...)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.places.Kubeconfig())
	var stderr strings.Builder
	command.Stdin, command.Stdout, command.Stderr = stdin, stdout, &stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, lastLines(stderr.String(), 20))
	}
	return nil
}

// apply makes the objects of a YAML stream be as written there.
func (c *cluster) apply(ctx context.Context, objects []byte) error {
	return c.kubectl(ctx, strings.NewReader(string(objects)), nil,
		"apply", "--server-side", "--force-conflicts", "--field-manager=headway-local", "-f", "-")
}
