package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"
	"time"
)

// nginxConfig has nginx do what an activator does: of two hosts it sends one to
// one pod, and shares the other out over two. Addresses are host:port.
type nginxConfig struct {
	Listen               string
	WholeHost, SplitHost string
	// Percent of the requests to SplitHost go to the pod Beta, the others to Live.
	Percent           int
	Whole, Live, Beta string
}

// nginxText keeps connections on both sides for as long as an activator does, and
// writes no access log, as that writes none. All its files are in one folder.
var nginxText = template.Must(template.New("nginx.conf").Parse(`daemon off;
worker_processes auto;
error_log stderr;
pid nginx.pid;
events {}
http {
	access_log off;
	keepalive_requests 100000000;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	scgi_temp_path scgi;
	uwsgi_temp_path uwsgi;
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_set_header Host $host;
	upstream whole { server {{.Whole}}; keepalive 32; keepalive_requests 100000000; }
	upstream live { server {{.Live}}; keepalive 32; keepalive_requests 100000000; }
	upstream beta { server {{.Beta}}; keepalive 32; keepalive_requests 100000000; }
	split_clients $request_id $drawn {
		{{.Percent}}% beta;
		* live;
	}
	server {
		listen {{.Listen}};
		server_name {{.WholeHost}};
		location / { proxy_pass http://whole; }
	}
	server {
		listen {{.Listen}};
		server_name {{.SplitHost}};
		location / { proxy_pass http://$drawn; }
	}
}
`))

func (c nginxConfig) text() ([]byte, error) {
	var out bytes.Buffer
	if err := nginxText.Execute(&out, c); err != nil {
		return nil, fmt.Errorf("writing nginx's configuration: %w", err)
	}
	return out.Bytes(), nil
}

// startNginx runs nginx in a new folder at a free port of loopback, until stop is
// called or the context ends. It returns when nginx listens at the URL.
func startNginx(ctx context.Context, dir string, c nginxConfig) (url string, stop func(), err error) {
	if c.Listen, err = freePort(ctx); err != nil {
		return "", nil, err
	}
	text, err := c.text()
	if err != nil {
		return "", nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("making nginx's folder: %w", err)
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", nil, fmt.Errorf("writing nginx's configuration: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "nginx", "-p", dir, "-c", file)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // killed, it would leave its workers behind
	cmd.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		cancel()
		return "", nil, fmt.Errorf("starting nginx: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // of interest is only what it said
		close(ended)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	if err := listens(ctx, filepath.Join(dir, "nginx.pid"), ended); err != nil {
		stop()
		return "", nil, fmt.Errorf("waiting for nginx to listen: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return "http://" + c.Listen + "/", stop, nil
}

// listens waits for the file that nginx writes when it has opened its port.
func listens(ctx context.Context, pidFile string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(pidFile); err == nil {
			return nil
		}
		select {
		case <-ended:
			return errors.New("it has ended")
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// freePort is an address of loopback at which nothing listens.
func freePort(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
