package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"github.com/headway-dev/headway/deploy/local/layout"
)

//go:embed config manifests
var templates embed.FS

// settings are the values that configuration files are filled with.
type settings struct {
	State, Runtime, Registry, BuildCache   string
	NodeIP, NodeName, PodCIDR, ClusterCIDR string
	DNSIP, ClusterDomain, RegistryEndpoint string
	CgroupRoot, PauseImage, ResolvConf     string
	Resolvers, CNIDirs                     []string
	MTU                                    int
	BuildEnv                               map[string]string
	BuildCA                                string
	GiteaPort, GiteaURL, GiteaHome         string
	GiteaSource                            string
	EventVolumes                           []eventVolume
}

func newSettings(places layout.Layout) settings {
	return settings{
		State: places.State(), Runtime: layout.Runtime, Registry: places.Registry(), BuildCache: places.BuildCache(),
		NodeIP: layout.NodeIP, NodeName: layout.NodeName, PodCIDR: layout.PodCIDR, ClusterCIDR: layout.ClusterCIDR,
		DNSIP: layout.DNSIP, ClusterDomain: layout.ClusterDomain, RegistryEndpoint: layout.RegistryEndpoint,
		CgroupRoot: cgroupRoot, CNIDirs: cniDirs,
		GiteaPort: layout.GiteaPort, GiteaURL: layout.GiteaURL, GiteaHome: layout.GiteaHome(),
	}
}

// asJSON writes a value in a form that is YAML as well.
func asJSON(value any) (string, error) {
	encoded, err := json.Marshal(value)
	return string(encoded), err
}

// render fills one of the embedded templates.
func render(name string, values any) ([]byte, error) {
	parsed, err := template.New(filepath.Base(name)).Option("missingkey=error").Funcs(template.FuncMap{"json": asJSON}).ParseFS(templates, name)
	if err != nil {
		return nil, fmt.Errorf("parsing template %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, values); err != nil {
		return nil, fmt.Errorf("filling template %s: %w", name, err)
	}
	return out.Bytes(), nil
}

// writeConfig renders a template of config/ into the state folder and returns the
// path of the file. A file that is right already is not touched: kube-proxy ends
// when its configuration is written.
func (c *cluster) writeConfig(name, target string, values any) (string, error) {
	content, err := render("config/"+name, values)
	if err != nil {
		return "", err
	}
	path := c.places.State("config", target)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("making the configuration folder: %w", err)
	}
	if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
		return path, nil
	}
	return path, replaceFile(path, content)
}

// replaceFile writes a file in one move, so that a kill leaves the old or the new one.
func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(path+".new", path)
}
