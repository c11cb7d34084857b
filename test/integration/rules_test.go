//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// refusal is an object, or a change of one, that the API must refuse. With
// change set, object is created first and then changed.
type refusal struct {
	name   string
	object func(fields) *unstructured.Unstructured
	with   fields
	change fields
	status bool
	want   string
}

const (
	digestOne = "registry.example.com/shop@sha256:1111111111111111111111111111111111111111111111111111111111111111"
	digestTwo = "registry.example.com/shop@sha256:2222222222222222222222222222222222222222222222222222222222222222"

	longName       = "metadata.name must be at most 40 characters"
	longApp        = "metadata.name must be at most 30 characters, so that previews"
	badURL         = "url must start with https://, http:// or ssh://"
	badRef         = "refs must be names or globs of branches and tags"
	badModules     = "modules.private must be hosts or patterns of module paths"
	badForge       = "apiURL must be http(s)://host/path, without credentials"
	badSplit       = "the weights in traffic must add up to 10000 basis points"
	badTimeout     = "timeout must be between 1s and 1h"
	badHold        = "health.hold must be between 0s and 10m"
	badSettle      = "health.settle must be between 0s and 24h"
	badIdle        = "scale.idle must be between 1s and 24h"
	twoSources     = "set only one of value, secret and config"
	buildAndImage  = "set exactly one of build and image"
	badChannelName = "metadata.name must be at most 63 lower-case letters, digits and hyphens"
	noWayOutside   = "access.outside must have hmac, subjectAltNames or both, by which senders prove who they are"
	badKeep        = "keep must be between 1m and 8760h"
	badDedupe      = "dedupe must be at most 24h"
	badRetryFor    = "retry.for must be between 1s and 720h"
	badRetryFirst  = "retry.first must be between 100ms and 1h"
	badRetryMax    = "retry.max must be between 1s and 24h"
	badFrom        = "from must be now, earliest or a time such as 2026-05-04T12:00:00Z"
	badReplay      = "from must be earliest, a time such as 2026-05-04T12:00:00Z, or id: and the id of an event"
	badEventURL    = "url must be http or https"
	oneKind        = "exactly one of cron, github, gitlab, gitea, sqs, pubsub, kafka, kubernetes and container must be set"
	oneTarget      = "exactly one of app, channel and url must be set"
	writeOnce      = "a Revision's image is written once"
	immutable      = "a Revision's spec is immutable; push a new commit instead"
)

func refusals() []refusal {
	name31, name41, name46 := strings.Repeat("a", 31), strings.Repeat("a", 41), strings.Repeat("a", 46)
	preview := map[string]any{"app": "shop", "request": int64(12), "host": "shop-pr-12"}
	ref := map[string]any{"name": "db", "key": "url"}
	return []refusal{
		{name: "repository name", object: repository, with: fields{"metadata.name": name41}, want: longName},
		{name: "url scheme", object: repository, with: fields{"spec.url": "ftp://example.com/a.git"}, want: badURL},
		{name: "local path as url", object: repository, with: fields{"spec.url": "/srv/git/a.git"}, want: badURL},
		{name: "file url", object: repository, with: fields{"spec.url": "file:///etc/passwd"}, want: badURL},
		{name: "password in url", object: repository, with: fields{"spec.url": "https://me:secret@example.com/a.git"}, want: "url must not contain credentials; put username and password (or token) into a Secret"},
		{name: "token in url", object: repository, with: fields{"spec.url": "https://token@example.com/a.git"}, want: "url must not contain credentials"},
		{name: "url without host", object: repository, with: fields{"spec.url": "https://"}, want: badURL},
		{name: "url with a path only", object: repository, with: fields{"spec.url": "https:///a.git"}, want: badURL},
		{name: "url with a port only", object: repository, with: fields{"spec.url": "ssh://git@:22/a.git"}, want: badURL},
		{name: "url without repository", object: repository, with: fields{"spec.url": "https://example.com/"}, want: badURL},
		{name: "url with a space", object: repository, with: fields{"spec.url": "https://example.com/a b.git"}, want: badURL},
		{name: "empty ref", object: repository, with: fields{"spec.refs": []any{""}}, want: badRef},
		{name: "ref with a space", object: repository, with: fields{"spec.refs": []any{"main", "release 1"}}, want: badRef},
		{name: "ref from the root", object: repository, with: fields{"spec.refs": []any{"/main"}}, want: badRef},
		{name: "ref out of the tree", object: repository, with: fields{"spec.refs": []any{"release/../*"}}, want: badRef},
		{name: "ref of a folder", object: repository, with: fields{"spec.refs": []any{"release/"}}, want: badRef},
		{name: "open bracket", object: repository, with: fields{"spec.refs": []any{"v[12"}}, want: badRef},
		{name: "two stars in a name", object: repository, with: fields{"spec.refs": []any{"v**"}}, want: badRef},
		{name: "braces", object: repository, with: fields{"spec.refs": []any{"{beta,next}"}}, want: badRef},
		{name: "ref that excludes", object: repository, with: fields{"spec.refs": []any{"!main"}}, want: badRef},
		{name: "pull requests", object: repository, with: fields{"spec.refs": []any{"refs/pull/**"}}, want: "refs may name branches and tags only"},
		{name: "modules of any host", object: repository, with: fields{"spec.modules": map[string]any{"private": []any{"*.example.com"}, "secretRef": map[string]any{"name": "go"}}}, want: badModules},
		{name: "modules by URL", object: repository, with: fields{"spec.modules": map[string]any{"private": []any{"https://example.com/a"}, "secretRef": map[string]any{"name": "go"}}}, want: badModules},
		{name: "no modules", object: repository, with: fields{"spec.modules": map[string]any{"private": []any{}, "secretRef": map[string]any{"name": "go"}}}, want: "spec.modules.private"},
		{name: "forge without a scheme", object: repository, with: fields{"spec.forge": map[string]any{"apiURL": "git.example.com/api"}}, want: badForge},
		{name: "token in the forge's address", object: repository, with: fields{"spec.forge": map[string]any{"apiURL": "https://token@git.example.com/api"}}, want: badForge},
		{name: "forge of another type", object: repository, with: fields{"spec.forge": map[string]any{"type": "svn"}}, want: "spec.forge.type"},
		{name: "short interval", object: repository, with: fields{"spec.interval": "999ms"}, want: "interval must be at least 1s"},
		{name: "no interval", object: repository, with: fields{"spec.interval": "0s"}, want: "interval must be at least 1s"},

		{name: "app name", object: app, with: fields{"metadata.name": name31}, want: longApp},
		{name: "name of a preview", object: app, with: fields{"metadata.name": name46, "spec.preview": preview}, want: longApp},
		{name: "app moves", object: app, change: fields{"spec.repository": "other"}, want: "an App stays with its Repository; delete the App to let another Repository take its name"},

		{name: "name of the app of a revision", object: revision, with: fields{"spec.app": name46}, want: "app must be at most 45 characters, so that revision names"},
		{name: "build and image", object: revision, with: fields{"spec.image": digestOne}, want: buildAndImage},
		{name: "neither build nor image", object: revision, with: fields{"spec.build": nil}, want: buildAndImage},
		{name: "image by tag", object: revision, with: fields{"spec.build": nil, "spec.image": "nginx:latest"}, want: "image must be pinned by digest: name@sha256:..."},
		{name: "short commit", object: revision, with: fields{"spec.commit": "1a2b3c4d"}, want: "spec.commit in body should match"},
		{name: "port", object: revision, with: fields{"spec.port": int64(70000)}, want: "spec.port in body should be less than or equal to 65535"},
		{name: "timeout too short", object: revision, with: fields{"spec.timeout": "10ms"}, want: badTimeout},
		{name: "timeout too long", object: revision, with: fields{"spec.timeout": "2h"}, want: badTimeout},
		{name: "hold too long", object: revision, with: fields{"spec.health.hold": "11m"}, want: badHold},
		{name: "settle too long", object: revision, with: fields{"spec.health.settle": "25h"}, want: badSettle},
		{name: "value and secret", object: revision, with: fields{"spec.env": []any{map[string]any{"name": "A", "value": "b", "secret": ref}}}, want: twoSources},
		{name: "secret and config", object: revision, with: fields{"spec.env": []any{map[string]any{"name": "A", "config": ref, "secret": ref}}}, want: twoSources},
		{name: "variable twice", object: revision, with: fields{"spec.env": []any{map[string]any{"name": "A"}, map[string]any{"name": "A"}}}, want: "Duplicate value"},
		{name: "variable name", object: revision, with: fields{"spec.env": []any{map[string]any{"name": "1 A"}}}, want: "spec.env[0].name in body should match"},
		{name: "min above max", object: revision, with: fields{"spec.scale.min": int64(5), "spec.scale.max": int64(4)}, want: "scale.min must not be greater than scale.max"},
		{name: "standby above max", object: revision, with: fields{"spec.scale.standby": int64(5), "spec.scale.max": int64(4)}, want: "scale.standby must not be greater than scale.max"},
		{name: "standby above the default max", object: revision, with: fields{"spec.scale.standby": int64(21)}, want: "scale.standby must not be greater than scale.max"},
		{name: "standby above 100", object: revision, with: fields{"spec.scale.standby": int64(101), "spec.scale.max": int64(200)}, want: "spec.scale.standby in body should be less than or equal to 100"},
		{name: "standby below 0", object: revision, with: fields{"spec.scale.standby": int64(-1)}, want: "spec.scale.standby in body should be greater than or equal to 0"},
		{name: "idle too short", object: revision, with: fields{"spec.scale.idle": "0s"}, want: badIdle},
		{name: "idle too long", object: revision, with: fields{"spec.scale.idle": "25h"}, want: badIdle},
		{name: "health path", object: revision, with: fields{"spec.health.path": "healthz"}, want: "spec.health.path in body should match"},

		{name: "commit changes", object: revision, change: fields{"spec.commit": strings.Repeat("f", 40)}, want: immutable},
		{name: "variable added", object: revision, change: fields{"spec.env": []any{map[string]any{"name": "A", "value": "b"}}}, want: immutable},
		{name: "default changes", object: revision, change: fields{"spec.port": int64(9090)}, want: immutable},
		{name: "build becomes image", object: revision, change: fields{"spec.build": nil, "spec.image": digestOne}, want: immutable},

		{name: "image changes", object: revision, with: fields{"status.image": digestOne}, change: fields{"status.image": digestTwo}, status: true, want: writeOnce},
		{name: "image goes away", object: revision, with: fields{"status.image": digestOne}, change: fields{"status.image": nil}, status: true, want: writeOnce},
		{name: "status goes away", object: revision, with: fields{"status.image": digestOne}, change: fields{"status": nil}, status: true, want: writeOnce},

		{name: "weights below 100", object: route, with: fields{"spec.traffic": split("a", 60, "b", 30)}, want: badSplit},
		{name: "weights above 100", object: route, with: fields{"spec.traffic": split("a", 60, "b", 60)}, want: badSplit},
		{name: "all weights zero", object: route, with: fields{"spec.traffic": split("a", 0)}, want: badSplit},
		{name: "weight below zero", object: route, with: fields{"spec.traffic": split("a", -1, "b", 101)}, want: "spec.traffic[0].weight in body should be greater than or equal to 0"},
		{name: "revision twice", object: route, with: fields{"spec.traffic": split("a", 50, "a", 50)}, want: "Duplicate value"},
		{name: "no host", object: route, with: fields{"spec.hosts": []any{}}, want: "spec.hosts in body should have at least 1 items"},
		{name: "host with port", object: route, with: fields{"spec.hosts": []any{"shop.localhost:8080"}}, want: "spec.hosts[0] in body should match"},
		{name: "host in capitals", object: route, with: fields{"spec.hosts": []any{"Shop.localhost"}}, want: "spec.hosts[0] in body should match"},

		{name: "channel name", object: channel, with: fields{"metadata.name": strings.Repeat("a", 64)}, want: badChannelName},
		{name: "dot in the name of a channel", object: channel, with: fields{"metadata.name": "orders.eu"}, want: badChannelName},
		{name: "kept too short", object: channel, with: fields{"spec.keep": "59s"}, want: badKeep},
		{name: "kept too long", object: channel, with: fields{"spec.keep": "8761h"}, want: badKeep},
		{name: "too small a channel", object: channel, with: fields{"spec.size": "1023Ki"}, want: "size must be at least 1Mi"},
		{name: "too small a channel in bytes", object: channel, with: fields{"spec.size": int64(1024)}, want: "size must be at least 1Mi"},
		{name: "events too small", object: channel, with: fields{"spec.maxEvent": int64(65535)}, want: "spec.maxEvent in body should be greater than or equal to 65536"},
		{name: "events too large", object: channel, with: fields{"spec.maxEvent": int64(8388609)}, want: "spec.maxEvent in body should be less than or equal to 8388608"},
		{name: "outside, and no way to prove anything", object: channel, with: fields{"spec.access": map[string]any{"outside": map[string]any{}}}, want: noWayOutside},
		{name: "outside, by no certificate", object: channel, with: fields{"spec.access": map[string]any{"outside": map[string]any{"subjectAltNames": []any{}}}}, want: "spec.access.outside.subjectAltNames in body should have at least 1 items"},
		{name: "outside, by a name with a blank", object: channel, with: fields{"spec.access": map[string]any{"outside": map[string]any{"subjectAltNames": []any{"a b"}}}}, want: "spec.access.outside.subjectAltNames[0] in body should match"},
		{name: "dedupe below zero", object: channel, with: fields{"spec.dedupe": "-1s"}, want: badDedupe},
		{name: "dedupe too long", object: channel, with: fields{"spec.dedupe": "25h"}, want: badDedupe},

		{name: "no kind of source", object: eventSource, with: fields{"spec.cron": nil}, want: oneKind},
		{name: "two kinds of source", object: eventSource, with: fields{"spec.kubernetes": map[string]any{}}, want: oneKind},
		{name: "extension with a hyphen", object: eventSource, with: fields{"spec.extensions": map[string]any{"my-team": "a"}}, want: "names of extensions have at most 20 lower-case letters and digits"},
		{name: "extension without a value", object: eventSource, with: fields{"spec.extensions": map[string]any{"team": ""}}, want: "spec.extensions.team"},
		{name: "catch-up of another kind", object: eventSource, with: fields{"spec.cron.catchUp": "some"}, want: "spec.cron.catchUp"},
		{name: "queue that is no URL", object: eventSource, with: fields{"spec.cron": nil, "spec.sqs": map[string]any{"queue": "uploads", "credentials": map[string]any{"name": "aws"}}}, want: "queue must be the http or https URL of a queue"},
		{name: "subscription of Pub/Sub without its project", object: eventSource, with: fields{"spec.cron": nil, "spec.pubsub": map[string]any{"subscription": "orders", "credentials": ref}}, want: "spec.pubsub.subscription"},
		{name: "broker without a port", object: eventSource, with: fields{"spec.cron": nil, "spec.kafka": map[string]any{"brokers": []any{"kafka"}, "topics": []any{"orders"}}}, want: "spec.kafka.brokers"},
		{name: "webhook without its secret", object: eventSource, with: fields{"spec.cron": nil, "spec.github": map[string]any{}}, want: "spec.github.secret"},
		{name: "name of a source", object: eventSource, with: fields{"metadata.name": "a.b"}, want: badChannelName},

		{name: "no target", object: subscription, with: fields{"spec.to.app": nil}, want: oneTarget},
		{name: "app and channel", object: subscription, with: fields{"spec.to.channel": "big"}, want: oneTarget},
		{name: "channel and url", object: subscription, with: fields{"spec.to.app": nil, "spec.to.channel": "big", "spec.to.url": "https://example.com/"}, want: oneTarget},
		{name: "target of another scheme", object: subscription, with: fields{"spec.to.app": nil, "spec.to.url": "ftp://example.com/"}, want: badEventURL},
		{name: "target that is no url", object: subscription, with: fields{"spec.to.app": nil, "spec.to.url": "example.com"}, want: badEventURL},
		{name: "path without a slash", object: subscription, with: fields{"spec.to.path": "events"}, want: "spec.to.path in body should match"},
		{name: "attempt too short", object: subscription, with: fields{"spec.timeout": "999ms"}, want: badTimeout},
		{name: "attempt too long", object: subscription, with: fields{"spec.timeout": "61m"}, want: badTimeout},
		{name: "retries too short", object: subscription, with: fields{"spec.retry.for": "0s"}, want: badRetryFor},
		{name: "retries too long", object: subscription, with: fields{"spec.retry.for": "721h"}, want: badRetryFor},
		{name: "first retry too soon", object: subscription, with: fields{"spec.retry.first": "99ms"}, want: badRetryFirst},
		{name: "first retry too late", object: subscription, with: fields{"spec.retry.first": "61m"}, want: badRetryFirst},
		{name: "pause between retries too short", object: subscription, with: fields{"spec.retry.max": "999ms"}, want: badRetryMax},
		{name: "pause between retries too long", object: subscription, with: fields{"spec.retry.max": "25h"}, want: badRetryMax},
		{name: "ordered by no attribute", object: subscription, with: fields{"spec.ordered": "partition-key"}, want: "spec.ordered in body should match"},
		{name: "from yesterday", object: subscription, with: fields{"spec.from": "yesterday"}, want: badFrom},
		{name: "from a day", object: subscription, with: fields{"spec.from": "2026-05-04"}, want: badFrom},
		{name: "replayed from now", object: subscription, with: fields{"spec.replay": map[string]any{"name": "a", "from": "now"}}, want: badReplay},
	}
}

// split is Route.spec.traffic from pairs of revision and percent.
func split(pairs ...any) []any {
	var targets []any
	for pair := range slices.Chunk(pairs, 2) {
		targets = append(targets, map[string]any{"revision": pair[0], "weight": int64(100 * pair[1].(int))})
	}
	return targets
}

func TestRefuses(t *testing.T) {
	ns := namespace(t)
	for _, tt := range refusals() {
		t.Run(tt.name, func(t *testing.T) {
			o := in(ns, tt.object(tt.with))
			if tt.change == nil {
				wantRefused(t, api.Create(t.Context(), o), tt.want)
				return
			}
			o.SetName(o.GetName() + "-" + strings.ReplaceAll(tt.name, " ", "-"))
			status := o.Object["status"]
			create(t, o)
			if status != nil {
				set(o, fields{"status": status})
				if err := api.Status().Update(t.Context(), o); err != nil {
					t.Fatalf("writing the first status: %v", err)
				}
			}
			set(o, tt.change)
			if tt.status {
				wantRefused(t, api.Status().Update(t.Context(), o), tt.want)
				return
			}
			wantRefused(t, api.Update(t.Context(), o), tt.want)
		})
	}
}

func wantRefused(t *testing.T, err error, message string) {
	t.Helper()
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), message) {
		t.Errorf("got %v, want it refused as invalid with %q", err, message)
	}
}

// TestRefusesEveryRule keeps the table above complete: each CEL rule in the
// generated CRDs needs a case that breaks it.
func TestRefusesEveryRule(t *testing.T) {
	files, err := filepath.Glob(crds + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs in %s: %v", crds, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var crd any
		if err := yaml.Unmarshal(data, &crd); err != nil {
			t.Fatalf("reading %s: %v", file, err)
		}
		for _, message := range ruleMessages(crd) {
			if !slices.ContainsFunc(refusals(), func(r refusal) bool { return strings.HasPrefix(message, r.want) }) {
				t.Errorf("%s: no case breaks the rule with the message %q", filepath.Base(file), message)
			}
		}
	}
}

// ruleMessages collects the messages of all x-kubernetes-validations.
func ruleMessages(node any) []string {
	var messages []string
	switch node := node.(type) {
	case map[string]any:
		rules, _ := node["x-kubernetes-validations"].([]any)
		for _, rule := range rules {
			message, _ := rule.(map[string]any)["message"].(string)
			messages = append(messages, message)
		}
		for _, child := range node {
			messages = append(messages, ruleMessages(child)...)
		}
	case []any:
		for _, child := range node {
			messages = append(messages, ruleMessages(child)...)
		}
	}
	return messages
}
