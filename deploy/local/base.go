package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/deploy/images/platform"
	"github.com/headway-dev/headway/deploy/local/layout"
)

// buildVariables are the settings of the go command that say where modules come
// from; builds in the cluster use the machine's own.
var buildVariables = []string{"GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE", "GOINSECURE"}

// proxyVariables say how this machine reaches the world; builds go the same way.
var proxyVariables = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}

// applyBase applies the objects that everything else stands on.
func applyBase(ctx context.Context, c *cluster, s *report) error {
	values := newSettings(c.places)
	if err := os.MkdirAll(values.BuildCache, 0o777); err != nil {
		return fmt.Errorf("making the build cache: %w", err)
	}
	var err error
	if values.BuildEnv, err = buildEnv(ctx); err != nil {
		return err
	}
	values.BuildCA = trustedAuthorities()
	objects, err := render("manifests/base.yaml", values)
	if err != nil {
		return err
	}
	s.waitFor("the API server to take the base objects")
	return poll(ctx, time.Minute, time.Second, func(ctx context.Context) error { return c.apply(ctx, objects) })
}

// buildEnv collects what builds need to know about the way out; empty settings are
// left out.
func buildEnv(ctx context.Context) (map[string]string, error) {
	out, err := command.Output(exec.CommandContext(ctx, "go", append([]string{"env", "-json"}, buildVariables...)...))
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return nil, fmt.Errorf("reading the go command's settings: %w", err)
	}
	for _, name := range proxyVariables {
		all[name] = os.Getenv(name)
	}
	// The registry here is plain HTTP, and stands in for Docker's.
	all["HEADWAY_MIRROR"], all["HEADWAY_INSECURE_REGISTRIES"] = layout.RegistryHost, layout.RegistryHost
	// So is the git server, and not on git's port: modules on it have its name.
	host, _, _ := strings.Cut(layout.GitHost, ":")
	all["GIT_CONFIG_COUNT"], all["GIT_CONFIG_KEY_0"], all["GIT_CONFIG_VALUE_0"] = "1", "url.http://"+layout.GitHost+"/.insteadOf", "https://"+host+"/"
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all, nil
}

// trustedAuthorities is the machine's bundle of certificate authorities; empty when
// the machine has none.
func trustedAuthorities() string {
	for _, path := range append([]string{os.Getenv("SSL_CERT_FILE")}, platform.Bundles...) {
		if content, err := os.ReadFile(path); err == nil {
			return string(content)
		}
	}
	return ""
}
