package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/pki"
	"github.com/headway-dev/headway/deploy/local/process"
)

// clients are the programs with a kubeconfig: its file, the user it is and the
// groups.
var clients = []struct {
	name, user string
	groups     []string
}{
	{"admin", "headway:admin", []string{"system:masters"}},
	{"kube-controller-manager", "system:kube-controller-manager", nil},
	{"kube-scheduler", "system:kube-scheduler", nil},
	{"kube-proxy", "system:kube-proxy", nil},
	{"coredns", "headway:coredns", nil},
	{"kubelet", "system:node:" + layout.NodeName, []string{"system:nodes"}},
}

// makeCertificates makes all certificates and kubeconfigs.
func makeCertificates(_ context.Context, c *cluster, _ *report) error {
	now := time.Now()
	authority, err := pki.Open(c.places.State("pki"), now)
	if err != nil {
		return err
	}
	requests := []pki.Request{
		{Name: "kube-apiserver", User: "kube-apiserver", Hosts: []string{
			layout.NodeIP, layout.APIServiceIP, "kubernetes", "kubernetes.default",
			"kubernetes.default.svc", "kubernetes.default.svc." + layout.ClusterDomain,
		}},
		{Name: "etcd", User: "etcd", Hosts: []string{layout.NodeIP}},
		// With its own client certificate the API server may read logs and exec.
		{Name: "kube-apiserver-client", User: "kube-apiserver-client", Groups: []string{"system:masters"}},
		{Name: "service-accounts", User: "service-accounts"},
	}
	for _, client := range clients {
		request := pki.Request{Name: client.name, User: client.user, Groups: client.groups}
		if client.name == "kubelet" {
			request.Hosts = []string{layout.NodeIP, layout.NodeName}
		}
		requests = append(requests, request)
	}
	for _, request := range requests {
		if err := authority.Ensure(request, now); err != nil {
			return err
		}
	}
	c.authority = authority
	for _, client := range clients {
		if err := c.writeKubeconfig(client.name); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes config/<name>.kubeconfig; the administrator's lies at the
// documented place.
func (c *cluster) writeKubeconfig(name string) error {
	values := map[string]string{"APIServer": layout.APIServer, "User": name}
	for key, path := range map[string]string{
		"CA": c.authority.Cert("ca"), "Cert": c.authority.Cert(name), "Key": c.authority.Key(name),
	} {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		values[key] = base64.StdEncoding.EncodeToString(content)
	}
	target := name + ".kubeconfig"
	if name == "admin" {
		target = "../kubeconfig"
	}
	_, err := c.writeConfig("kubeconfig.yaml", target, values)
	return err
}

func (c *cluster) kubeconfig(name string) string {
	return c.places.State("config", name+".kubeconfig")
}

// startEtcd starts the store. It does not sync to disk, which halves the time of
// most writes: the cluster is a throwaway one.
func startEtcd(ctx context.Context, c *cluster, s *report) error {
	url := "https://" + layout.NodeIP
	cert, key, ca := c.authority.Cert("etcd"), c.authority.Key("etcd"), c.authority.Cert("ca")
	err := c.launch(ctx, s, process.Program{
		Name: "etcd",
		Args: []string{
			"--name=headway", "--data-dir=" + c.places.State("etcd"),
			"--listen-client-urls=" + url + ":2379", "--advertise-client-urls=" + url + ":2379",
			"--listen-peer-urls=" + url + ":2380", "--initial-advertise-peer-urls=" + url + ":2380",
			"--initial-cluster=headway=" + url + ":2380",
			"--cert-file=" + cert, "--key-file=" + key, "--trusted-ca-file=" + ca, "--client-cert-auth",
			"--peer-cert-file=" + cert, "--peer-key-file=" + key, "--peer-trusted-ca-file=" + ca, "--peer-client-cert-auth",
			"--unsafe-no-fsync", "--log-level=warn",
			"--auto-compaction-mode=periodic", "--auto-compaction-retention=10m",
		},
		Configs: []string{cert, ca},
	}, c.answers(url+":2379/health"))
	if err != nil {
		return fmt.Errorf("%w (after a crash of the machine its data may be broken: `make down` and start over)", err)
	}
	return nil
}

func startAPIServer(ctx context.Context, c *cluster, s *report) error {
	a := c.authority
	return c.launch(ctx, s, process.Program{
		Name: "kube-apiserver",
		Args: []string{
			"--advertise-address=" + layout.NodeIP, "--bind-address=" + layout.NodeIP, "--secure-port=6443",
			"--etcd-servers=https://" + layout.NodeIP + ":2379",
			"--etcd-cafile=" + a.Cert("ca"), "--etcd-certfile=" + a.Cert("admin"), "--etcd-keyfile=" + a.Key("admin"),
			"--tls-cert-file=" + a.Cert("kube-apiserver"), "--tls-private-key-file=" + a.Key("kube-apiserver"),
			"--client-ca-file=" + a.Cert("ca"),
			"--kubelet-certificate-authority=" + a.Cert("ca"),
			"--kubelet-client-certificate=" + a.Cert("kube-apiserver-client"), "--kubelet-client-key=" + a.Key("kube-apiserver-client"),
			"--kubelet-preferred-address-types=InternalIP",
			"--service-account-issuer=https://kubernetes.default.svc." + layout.ClusterDomain,
			"--service-account-key-file=" + a.Cert("service-accounts"), "--service-account-signing-key-file=" + a.Key("service-accounts"),
			"--service-cluster-ip-range=" + layout.ServiceCIDR, "--service-node-port-range=" + layout.NodePorts,
			"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
			"--allow-privileged=true", // BuildKit runs privileged
			"--profiling=false",
		},
		Configs: []string{a.Cert("ca"), a.Cert("kube-apiserver"), a.Cert("kube-apiserver-client"), a.Cert("service-accounts")},
	}, c.answers(layout.APIServer+"/readyz"))
}

func startControllerManager(ctx context.Context, c *cluster, s *report) error {
	return c.launchController(ctx, s, "kube-controller-manager", "10257",
		"--allocate-node-cidrs=false", "--use-service-account-credentials=true",
		"--service-account-private-key-file="+c.authority.Key("service-accounts"),
		"--root-ca-file="+c.authority.Cert("ca"))
}

func startScheduler(ctx context.Context, c *cluster, s *report) error {
	return c.launchController(ctx, s, "kube-scheduler", "10259")
}

// launchController launches one of the programs that work on the API server. A
// single machine needs no leader election, and starts quicker without.
func (c *cluster) launchController(ctx context.Context, s *report, name, port string, args ...string) error {
	config := c.kubeconfig(name)
	return c.launch(ctx, s, process.Program{
		Name: name,
		Args: append(args,
			"--bind-address="+layout.NodeIP,
			"--kubeconfig="+config, "--authentication-kubeconfig="+config, "--authorization-kubeconfig="+config,
			"--leader-elect=false", "--kube-api-qps=200", "--kube-api-burst=400", "--profiling=false"),
		Configs: []string{config},
	}, listening(port))
}
