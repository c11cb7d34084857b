// Package push sends an image to a registry and writes Tekton's results.
//
// It takes credentials from one given file only, uploads no layer that the
// registry has, and tries again when the registry or the network falters.
package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
	"github.com/headway-dev/headway/cmd/buildstep/tool"
	"github.com/headway-dev/headway/pipelines/credentials"
	"github.com/headway-dev/headway/pipelines/imagesize"
)

// Options of a push.
type Options struct {
	// Layout is the OCI layout to push.
	Layout string
	// Image is the repository:tag to push to.
	Image string
	// Auth is a folder with the file .dockerconfigjson. Empty: no credentials.
	Auth string
	// Insecure are registries, host:port, that are spoken to by plain http.
	Insecure []string
	// DigestFile and ConfigFile take the results.
	DigestFile, ConfigFile string
}

// attempts and firstPause bound the retries: 5 attempts within about 8 s, on
// top of those that the registry client makes by itself.
const (
	attempts   = 5
	firstPause = 500 * time.Millisecond
)

// Push sends the image and returns its digest, sha256:<hex>.
func Push(ctx context.Context, o Options) (string, error) {
	image, err := ocilayout.Read(o.Layout)
	if err != nil {
		return "", err
	}
	tag, err := reference(o.Image, o.Insecure)
	if err != nil {
		return "", err
	}
	keys, err := readKeychain(o.Auth)
	if err != nil {
		return "", err
	}
	send := func() error {
		return remote.Write(tag, image, remote.WithContext(ctx), remote.WithAuthFromKeychain(keys), remote.WithJobs(4))
	}
	if err := patiently(ctx, send); err != nil {
		err = fmt.Errorf("pushing %s: %w", o.Image, explain(err))
		if passing(err) {
			err = &tool.Passing{Err: err}
		}
		return "", err
	}
	digest, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("reading image digest: %w", err)
	}
	return digest.String(), writeResults(image, digest, o)
}

// readKeychain reads dir/.dockerconfigjson; an empty dir or a missing file give an
// empty keychain.
func readKeychain(dir string) (credentials.Keychain, error) {
	if dir == "" {
		return nil, nil
	}
	content, err := os.ReadFile(filepath.Join(dir, ".dockerconfigjson"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading registry credentials: %w", err)
	}
	return credentials.Parse(content)
}

func reference(image string, insecure []string) (name.Tag, error) {
	tag, err := name.NewTag(image)
	if err != nil {
		return name.Tag{}, fmt.Errorf("reading image name %q: %w", image, err)
	}
	if slices.Contains(insecure, tag.RegistryStr()) {
		return name.NewTag(image, name.Insecure)
	}
	return tag, nil
}

// patiently repeats what may pass: a failure of the network or the registry.
func patiently(ctx context.Context, send func() error) error {
	for attempt, pause := 1, firstPause; ; attempt, pause = attempt+1, 2*pause {
		err := send()
		if err == nil || attempt == attempts || !passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

func passing(err error) bool {
	if answer := new(transport.Error); errors.As(err, &answer) {
		return answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests
	}
	return errors.As(err, new(net.Error))
}

// explain adds what to do to the mistake that people make.
func explain(err error) error {
	if answer := new(transport.Error); errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		return fmt.Errorf("the registry refused the credentials; check the registry Secret in the build namespace: %w", err)
	}
	return err
}

// imageConfig has the JSON form of the API's ImageConfig, which this small
// program does not link.
type imageConfig struct {
	User       string   `json:"user,omitempty"`
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	WorkingDir string   `json:"workingDir,omitempty"`
	SizeBytes  int64    `json:"sizeBytes,omitempty"`
}

// longestConfig keeps all results of a step below the 4 KiB that Kubernetes
// lets a container leave behind.
const longestConfig = 2048

func writeResults(image v1.Image, digest v1.Hash, o Options) error {
	file, err := image.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading image configuration: %w", err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		return fmt.Errorf("reading image manifest: %w", err)
	}
	config, err := json.Marshal(imageConfig{
		User: file.Config.User, Entrypoint: file.Config.Entrypoint,
		Cmd: file.Config.Cmd, WorkingDir: file.Config.WorkingDir,
		SizeBytes: imagesize.Of(manifest),
	})
	if err != nil {
		return fmt.Errorf("encoding image configuration: %w", err)
	}
	if len(config) > longestConfig {
		config = nil // it is optional, and a cut one would be wrong
	}
	for path, content := range map[string][]byte{o.DigestFile: []byte(digest.String()), o.ConfigFile: config} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("writing result: %w", err)
		}
	}
	return nil
}
