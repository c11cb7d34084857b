package main

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// settings of one installation.
type settings struct {
	registry, registryAddress string
	plainHTTP                 bool
	appsRegistry              string
	registrySecret            string
	domain                    string
	publicScheme              string
	publicPort                int
	eventsURL                 string
	builds                    int
	eventingReplicas          int
	natsURL, natsSecret       string
	kustomization             string
	tools                     string
}

func (s *settings) register(set *flag.FlagSet) {
	set.StringVar(&s.registry, "registry", "", "`registry` for Headway's images, with a path: registry.example.com/headway (required)")
	set.StringVar(&s.registryAddress, "registry-address", "", "`host:port` at which this machine reaches the registry; default: the registry's name")
	set.BoolVar(&s.plainHTTP, "plain-http", false, "the registry speaks http without TLS")
	set.StringVar(&s.appsRegistry, "apps-registry", "", "`registry` for the images of apps; default: the registry and /apps")
	set.StringVar(&s.registrySecret, "registry-secret", "", "`name` of the Secret in headway-builds with the credentials that push to it; default: none needed")
	set.StringVar(&s.domain, "domain", "", "apps answer on <app>.`domain` (required)")
	set.StringVar(&s.publicScheme, "public-scheme", "http", "`scheme` of the URLs: http or https")
	set.IntVar(&s.publicPort, "public-port", 0, "`port` of the URLs; default: 80 for http, 443 for https")
	set.StringVar(&s.eventsURL, "events-url", "", "`URL` by which senders outside reach the Service headway-events-outside; default: none is shown")
	set.IntVar(&s.builds, "builds", 4, "how many builds run at once; the others wait")
	set.IntVar(&s.eventingReplicas, "eventing-replicas", 1, "on how many servers an event is kept: 1, or 3, each with a volume; with --nats-url what that can do")
	set.StringVar(&s.natsURL, "nats-url", "", "`URL` of NATS servers that keep the events; default: eventing does")
	set.StringVar(&s.natsSecret, "nats-secret", "", "`name` of the Secret in headway-system whose key credentials is for them; default: none needed")
	set.StringVar(&s.kustomization, "kustomization", "deploy", "`folder` of the manifests")
	set.StringVar(&s.tools, "tools", "", "`folder` with buildkitd and buildctl; default: they are compiled")
}

var domainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// complete checks the settings and fills in those that follow from others.
func (s *settings) complete() error {
	if s.registry == "" || s.domain == "" {
		return errors.New("name a registry that the cluster can pull from, and the domain of your apps: make deploy REGISTRY=registry.example.com/headway DOMAIN=apps.example.com")
	}
	if !domainName.MatchString(s.domain) {
		return fmt.Errorf("%q is not a domain: want lower case without port or wildcard, such as apps.example.com", s.domain)
	}
	defaultPorts := map[string]int{"http": 80, "https": 443}
	port, ok := defaultPorts[s.publicScheme]
	if !ok {
		return fmt.Errorf("the public scheme is http or https, not %q", s.publicScheme)
	}
	if s.publicPort == 0 {
		s.publicPort = port
	}
	if s.publicPort < 1 || s.publicPort > 65535 {
		return fmt.Errorf("%d is not a port", s.publicPort)
	}
	if u, err := url.Parse(s.eventsURL); s.eventsURL != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("%q is no URL such as https://events.example.com", s.eventsURL)
	}
	if s.eventingReplicas != 1 && s.eventingReplicas != 3 {
		return fmt.Errorf("eventing has 1 replica or 3, not %d", s.eventingReplicas)
	}
	if s.builds < 1 {
		return fmt.Errorf("%d builds at once are too few: want 1 or more", s.builds)
	}
	if s.natsSecret != "" && s.natsURL == "" {
		return errors.New("credentials for NATS need its URL: --nats-url")
	}
	s.registry = strings.TrimSuffix(s.registry, "/")
	if s.appsRegistry == "" {
		s.appsRegistry = s.registry + "/apps"
	}
	return nil
}

// clustered reports whether eventing has pods that keep events together.
func (s *settings) clustered() bool { return s.eventingReplicas > 1 && s.natsURL == "" }

// literals are the settings as the ConfigMap of the base has them.
func (s *settings) literals() []string {
	insecure := ""
	if s.plainHTTP {
		insecure, _, _ = strings.Cut(s.appsRegistry, "/")
	}
	return []string{
		"registry=" + s.appsRegistry,
		"insecureRegistries=" + insecure,
		"registrySecret=" + s.registrySecret,
		"domain=" + s.domain,
		"publicScheme=" + s.publicScheme,
		"publicPort=" + strconv.Itoa(s.publicPort),
		"eventsURL=" + s.eventsURL,
		"builds=" + strconv.Itoa(s.builds),
	}
}
