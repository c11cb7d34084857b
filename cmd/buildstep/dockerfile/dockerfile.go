// Package dockerfile makes an image of a Dockerfile with BuildKit, whose daemon
// it runs as a child for the time of the build.
//
// BuildKit's state stays on the cache folder, so that layers and RUN
// --mount=type=cache survive. A state belongs to one daemon at a time; builds
// that overlap take different ones.
package dockerfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// Options of a build.
type Options struct {
	// Source is the folder of the unpacked artifact, Path the app's folder in
	// it; "." is the whole.
	Source, Path string
	// Context is the build context, relative to Path. Default: Path itself.
	Context string
	// Dockerfile relative to Path. Default: Dockerfile.
	Dockerfile string
	// Target is the stage to build. Default: the last one.
	Target string
	// BuildArgs are KEY=value, one a line.
	BuildArgs string
	// Cache holds BuildKit's state between builds.
	Cache string
	// Temp is a folder for the daemon's socket and configuration. Its path must
	// be short: a socket's may have 107 bytes.
	Temp string
	// Image is where the OCI layout is written.
	Image string
	// Mirror is a registry, host:port, asked first for images of docker.io.
	// Empty: none.
	Mirror string
	// Insecure are registries, host:port, that are spoken to by plain http.
	Insecure []string
	// Output takes the build's log.
	Output io.Writer
}

var buildArgPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)

// Build runs the build and writes the image. A build that BuildKit gave up ends
// in a *tool.Failed.
func Build(ctx context.Context, o Options) error {
	arguments, err := buildctlArgs(o)
	if err != nil {
		return err
	}
	state, release, err := lockState(ctx, filepath.Join(o.Cache, "buildkit"))
	if err != nil {
		return err
	}
	defer release()
	config := filepath.Join(o.Temp, "buildkitd.toml")
	if err := os.WriteFile(config, []byte(daemonConfig(o.Mirror, o.Insecure)), 0o600); err != nil {
		return fmt.Errorf("configuring buildkitd: %w", err)
	}
	daemon, err := startDaemon(ctx, state, config, filepath.Join(o.Temp, "buildkitd.sock"))
	if err != nil {
		return err
	}
	defer daemon.stop()
	if err := os.RemoveAll(o.Image); err != nil {
		return fmt.Errorf("clearing image folder: %w", err)
	}
	cmd := exec.CommandContext(ctx, "buildctl", append([]string{"--addr", "unix://" + daemon.socket}, arguments...)...)
	cause := &solveError{}
	if err := tool.Run(ctx, cmd, o.Output, cause); err != nil {
		if problem := pullProblem(cause.last, o.Mirror); problem != nil && errors.As(err, new(*tool.Failed)) {
			return problem
		}
		return err
	}
	return ocilayout.Share(o.Image)
}

// buildctlArgs checks what the user gave and renders buildctl's command line.
func buildctlArgs(o Options) ([]string, error) {
	if !filepath.IsLocal(o.Path) {
		return nil, fmt.Errorf("path %q lies outside the source", o.Path)
	}
	file, folder := filepath.Join(o.Path, cmp.Or(o.Dockerfile, "Dockerfile")), filepath.Join(o.Path, o.Context)
	if !filepath.IsLocal(file) || filepath.IsAbs(o.Dockerfile) {
		return nil, fmt.Errorf("build.args.dockerfile is %q; it must be a file of the repository, relative to path", o.Dockerfile)
	}
	if !filepath.IsLocal(folder) || filepath.IsAbs(o.Context) {
		return nil, fmt.Errorf("build.args.context is %q; it must be a folder of the repository, relative to path", o.Context)
	}
	content, err := os.ReadFile(filepath.Join(o.Source, file))
	if err != nil {
		return nil, fmt.Errorf("there is no file %s; set build.args.dockerfile, which is relative to path (%s)", file, o.Path)
	}
	if info, err := os.Stat(filepath.Join(o.Source, folder)); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("there is no folder %s; set build.args.context, which is relative to path (%s)", folder, o.Path)
	}
	arguments := []string{
		"build", "--progress=plain", "--frontend=dockerfile.v0",
		"--local=context=" + filepath.Join(o.Source, folder), "--local=dockerfile=" + filepath.Join(o.Source, filepath.Dir(file)),
		"--opt=filename=" + filepath.Base(file), "--output=type=oci,tar=false,dest=" + o.Image,
	}
	if syntax := builtInSyntax(content); syntax != "" {
		arguments = append(arguments, "--opt=cmdline="+syntax)
	}
	if o.Target != "" {
		arguments = append(arguments, "--opt=target="+o.Target)
	}
	for line := range strings.Lines(o.BuildArgs) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if !buildArgPattern.MatchString(line) {
			return nil, fmt.Errorf("build.args.build-args has the line %q; it must be KEY=value", line)
		}
		arguments = append(arguments, "--opt=build-arg:"+line)
	}
	return arguments, nil
}

// daemonConfig is buildkitd.toml. The daemon drops old cache above 4 GB.
func daemonConfig(mirror string, insecure []string) string {
	var b strings.Builder
	b.WriteString("[worker.oci]\n  networkMode = \"host\"\n  gc = true\n  maxUsedSpace = \"4GB\"\n[worker.containerd]\n  enabled = false\n")
	if mirror != "" {
		fmt.Fprintf(&b, "[registry.\"docker.io\"]\n  mirrors = [%q]\n", mirror)
	}
	for _, registry := range insecure {
		fmt.Fprintf(&b, "[registry.%q]\n  http = true\n", registry)
	}
	return b.String()
}
