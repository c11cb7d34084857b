package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"

	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/reconciler/render"
	"github.com/headway-dev/headway/scaler/park"
)

// flags are the program's settings.
type flags struct {
	manager.Flags
	manager.Public

	registry           string
	insecureRegistries string
	registrySecret     string
	buildNamespace     string
	builds             int

	parkImage     string
	parkPublicKey string

	artifactURL  string
	reportListen string
	activator    string
}

func (f *flags) register(set *flag.FlagSet) {
	set.StringVar(&f.registry, "registry", "", "host and prefix under which apps' images are pushed, such as registry.example.com/apps (required)")
	set.StringVar(&f.insecureRegistries, "insecure-registries", "", "comma-separated host:port of registries that speak plain http")
	set.StringVar(&f.registrySecret, "registry-secret", "", "name of a kubernetes.io/dockerconfigjson Secret in the build namespace; empty when the registry needs no credentials")
	set.StringVar(&f.buildNamespace, "build-namespace", "headway-builds", "namespace of build templates and build runs")
	set.IntVar(&f.builds, "builds", 4, "how many builds run at once; the others wait")
	set.StringVar(&f.parkImage, "park-image", "", "image with the program that parked pods run; empty: no revision gets a standby")
	set.StringVar(&f.parkPublicKey, "park-public-key", "", "file with the Ed25519 public key, in base64, that parked pods check wake calls with; required with --park-image")
	f.Public.Register(set)
	set.StringVar(&f.artifactURL, "artifact-url", "http://headway-watcher.headway-system:8082", "base URL at which build pods reach the watcher's artifact server")
	set.StringVar(&f.activator, "activator", "headway-activator.headway-system", "host of the activators' Service within the cluster, where jobs of gates reach a candidate on port 80")
	f.Flags.Register(set, ":8083", ":8084")
	f.RegisterReported(set)
	f.RegisterLeader(set)
	set.StringVar(&f.reportListen, "report-listen", ":8085", "address for the activators' reports of how requests end")
}

// check says which setting cannot work.
func (f *flags) check() error {
	if f.registry == "" {
		return errors.New("--registry is required: the host and prefix under which apps' images are pushed")
	}
	if u, err := url.Parse(f.artifactURL); err != nil || u.Host == "" {
		return fmt.Errorf("--artifact-url is %q; it must be a URL such as http://headway-watcher.headway-system:8082", f.artifactURL)
	}
	if f.builds < 1 {
		return fmt.Errorf("--builds is %d; it must be 1 or more", f.builds)
	}
	if f.parkImage != "" && f.parkPublicKey == "" {
		return errors.New("--park-image needs --park-public-key: the file with the key that parked pods check wake calls with")
	}
	f.registry = strings.TrimSuffix(f.registry, "/")
	f.artifactURL = strings.TrimSuffix(f.artifactURL, "/")
	return nil
}

// park reads what parked pods are given; the zero value without --park-image.
func (f *flags) park() (render.Park, error) {
	if f.parkImage == "" {
		return render.Park{}, nil
	}
	key, err := park.LoadPublicKey(f.parkPublicKey)
	if err != nil {
		return render.Park{}, fmt.Errorf("--park-public-key: %w", err)
	}
	return render.Park{Image: f.parkImage, PublicKey: key}, nil
}

// insecure lists the registries that speak plain http.
func (f *flags) insecure() []string {
	return strings.FieldsFunc(f.insecureRegistries, func(r rune) bool { return r == ',' || r == ' ' })
}
