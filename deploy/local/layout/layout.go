// Package layout is the one place that knows the addresses, names and folders
// of the local cluster. It touches nothing: it only says where things are.
package layout

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Addresses of the local cluster. They come from the benchmark range
// 198.18.0.0/15 (RFC 2544), which clashes with no real network, and live on an
// interface of our own, so that nothing listens on the machine's outer one.
const (
	// NodeIP is the address of the one node and of everything that runs on the host.
	NodeIP = "198.18.255.1"
	// Bridge is the interface that carries NodeIP and DNSIP.
	Bridge = "headway0"
	// PodCIDR and ServiceCIDR are the ranges of pods and services.
	PodCIDR, ServiceCIDR = "198.18.0.0/17", "198.19.0.0/16"
	// ClusterCIDR covers both, and the node.
	ClusterCIDR = "198.18.0.0/15"
	// DNSIP is the address of the cluster's DNS server.
	DNSIP = "198.19.0.10"
	// APIServiceIP is the first service address: kubernetes.default.
	APIServiceIP = "198.19.0.1"
	// NodePorts is the range of node ports; they answer on loopback only.
	NodePorts = "8080-8199"
	// NodeName is the name of the one node.
	NodeName = "headway"
	// ClusterDomain is the DNS suffix of services.
	ClusterDomain = "cluster.local"
	// APIServer is the URL of the Kubernetes API.
	APIServer = "https://" + NodeIP + ":6443"
	// RegistryEndpoint is where the host reaches the registry, RegistryHost what
	// the cluster calls it.
	RegistryEndpoint, RegistryHost = NodeIP + ":5000", "registry.headway.local:5000"
	// GitEndpoint is where the host reaches the git server, GitHost what the
	// cluster calls it.
	GitEndpoint, GitHost = NodeIP + ":3000", "git.headway.local:3000"
	// GiteaURL is where everybody reaches Gitea, if it was asked for: one URL, as
	// it writes that into what it tells others.
	GiteaPort, GiteaURL = "3001", "http://" + NodeIP + ":3001"
	// GitUser is the one account of the git server, and Gitea's administrator.
	GitUser = "headway"
	// PublicPort is the node port of the activator; it answers on loopback.
	PublicPort = "8080"
	// WebhookURL is where the controller takes hints on loopback: the node port of
	// the Service headway-webhook.
	WebhookURL = "http://127.0.0.1:8081/webhook"
	// EventsURL is where senders outside of the cluster send events: the node port
	// of the Service headway-events-outside.
	EventsURL = "http://localhost:8082"
)

// Runtime is the folder of sockets and pid files. It is the same for every cache
// root because a machine can hold only one local cluster, and short because the
// path of a unix socket may have at most 107 bytes.
const Runtime = "/run/headway"

// Layout holds the folders of the local cluster below its cache root.
type Layout struct {
	// Root is the cache root: $HEADWAY_CACHE, else $XDG_CACHE_HOME/headway, else
	// ~/.cache/headway.
	Root string
}

// New finds the cache root from the environment. It fails when there is neither
// a cache folder nor a home.
func New() (Layout, error) {
	if root := os.Getenv("HEADWAY_CACHE"); root != "" {
		absolute, err := filepath.Abs(root)
		if err != nil {
			return Layout{}, fmt.Errorf("resolving HEADWAY_CACHE: %w", err)
		}
		return Layout{Root: absolute}, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Layout{}, errors.New("no cache folder: set HEADWAY_CACHE, XDG_CACHE_HOME or HOME")
	}
	return Layout{Root: filepath.Join(cache, "headway")}, nil
}

// Bin is the folder of the programs compiled for a component key.
func (l Layout) Bin(key string) string { return filepath.Join(l.Root, "bin", key) }

// Registry is where the registry keeps images; it outlives the cluster.
func (l Layout) Registry() string { return filepath.Join(l.Root, "registry") }

// BuildCache backs the persistent volume of build caches; it outlives the cluster.
func (l Layout) BuildCache() string { return filepath.Join(l.Root, "buildcache") }

// State holds everything that ends with the cluster.
func (l Layout) State(elem ...string) string {
	return filepath.Join(append([]string{l.Root, "state"}, elem...)...)
}

// Kubeconfig is the administrator's kubeconfig.
func (l Layout) Kubeconfig() string { return l.State("kubeconfig") }

// GitPassword is the file with the password of GitUser.
func (l Layout) GitPassword() string { return l.State("git-password") }

// GiteaToken is the file with a token of Gitea that may do everything.
func (l Layout) GiteaToken() string { return l.State("gitea-token") }

// Lock is the file whose flock a running up or down holds.
func (l Layout) Lock() string { return l.State("lock") }

// Log is the log file of a program.
func (l Layout) Log(program string) string { return l.State("logs", program+".log") }

// GiteaHome is where the folder State("gitea") is mounted: Gitea's user may not
// pass through a closed folder on the way to its own.
func GiteaHome() string { return filepath.Join(Runtime, "gitea") }

// Containerd is the path of containerd's socket.
func Containerd() string { return filepath.Join(Runtime, "containerd.sock") }
