package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/cmd/program"
	"github.com/headway-dev/headway/eventing"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/delivery"
)

// peerPort is where replicas reach each other.
const peerPort = 6222

// options are the flags as the package has them.
func (f *flags) options() (eventing.Options, error) {
	o := eventing.Options{
		Data: f.data, Listen: f.listen, ListenOutside: f.listenOutside, ListenOutsideTLS: f.listenTLS, Certificate: f.certificate, URL: address.Events, Activator: f.activator, Client: delivery.NewClient(),
		Serve: func(ctx context.Context, listener net.Listener, handler http.Handler) error {
			return program.Serve(ctx, listener, handler, drain)
		},
	}
	pod, err := os.Hostname()
	if err != nil {
		return o, fmt.Errorf("finding out this pod's name: %w", err)
	}
	o.Self, o.SelfOutside = f.self(pod, f.listen), f.self(pod, f.listenOutside)
	switch {
	case f.listenTLS != "" && (f.certificate == "" || f.listenOutside == ""):
		return o, errors.New("--listen-outside-tls needs --certificate, and --listen-outside, by which replicas pass requests on to the one that leads")
	case f.replicas != 1 && f.replicas != 3:
		return o, fmt.Errorf("--replicas is 1 or 3, not %d", f.replicas)
	case f.nats != "":
		o.NATS = &channel.NATS{URL: f.nats, Credentials: f.credentials, Replicas: f.replicas}
	case f.credentials != "":
		return o, errors.New("--nats-credentials are for a --nats-url")
	case f.replicas == 3:
		o.Cluster, err = f.cluster(pod)
	}
	return o, err
}

// self is the URL by which other pods reach an address of this one; "" is none.
func (f *flags) self(pod, address string) string {
	_, port, ok := cutLast(address, ":")
	if !ok {
		return ""
	}
	host := pod
	if f.peers != "" {
		host += "." + f.peers
	}
	return "http://" + net.JoinHostPort(host, port)
}

// cluster are the pods of the StatefulSet of which this one is.
func (f *flags) cluster(pod string) (*channel.Cluster, error) {
	if f.peers == "" || f.password == "" {
		return nil, errors.New("--replicas=3 needs --peers and --password-file")
	}
	password, err := os.ReadFile(f.password)
	if err != nil {
		return nil, fmt.Errorf("reading the password of the replicas: %w", err)
	}
	secret := strings.TrimSpace(string(password))
	if secret == "" {
		return nil, fmt.Errorf("%s is empty: replicas without a password would take anybody for one of them", f.password)
	}
	set, ordinal, ok := cutLast(pod, "-")
	if !ok || len(ordinal) != 1 || ordinal[0] < '0' || ordinal[0] >= byte('0'+f.replicas) {
		return nil, fmt.Errorf("%q is not the name of a pod of a StatefulSet of %d", pod, f.replicas)
	}
	c := &channel.Cluster{Name: pod, Listen: "0.0.0.0", Port: peerPort, Password: secret}
	for i := range f.replicas {
		c.Peers = append(c.Peers, fmt.Sprintf("%s-%d.%s:%d", set, i, f.peers, peerPort))
	}
	return c, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
