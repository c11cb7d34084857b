package plan

import (
	"strings"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const production = `k1 name: shop
build: {with: go}
env:
  DB: secret://shop-db/url
  KEY: secret://shop-key/key
  FLAGS: config://shop/flags
  LOG: info
preview:
  env: {LOG: debug, CACHE: secret://shared/cache, HINTS: config://hints/all}
  secrets: {shop-db: shop-db-preview}
`

func TestWhatAPreviewMayHave(t *testing.T) {
	const (
		own  = "1 feat b2"
		fork = "1 feat b2 fork approved:b2"
	)
	for _, tc := range []struct{ name, line, file, want string }{
		{"plain values, and production's for previews", own, "env: {LOG: trace, NEW: x}",
			"CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug NEW=x"},
		{"a Secret that is mapped, in any variable and with any key", own, "env: {OTHER: secret://shop-db/password}",
			"CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug OTHER=secret://shop-db-preview/password"},
		{"one that a mapping gives", fork, "env: {DB: secret://shop-db-preview/url}",
			"CACHE=secret://shared/cache DB=secret://shop-db-preview/url HINTS=config://hints/all LOG=debug"},
		{"one that preview.env gives", fork, "env: {A: secret://shared/other}",
			"A=secret://shared/other CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
		{"one that production has in this variable", own, "env: {KEY: secret://shop-key/key}",
			"CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug unset=KEY"},
		{"one that production has in another variable", own, "env: {\n  OTHER: secret://shop-key/key}",
			"shop/headway.yaml:3:10: env.OTHER: secret://shop-key/key is not for previews"},
		{"another one in this variable", own, "env:\n  KEY: secret://vault/root",
			"shop/headway.yaml:3:8: env.KEY: secret://vault/root is not for previews"},
		{"another key of it", own, "env:\n  KEY: secret://shop-key/root",
			"shop/headway.yaml:3:8: env.KEY: secret://shop-key/root is not for previews"},
		{"what preview.env sets is not asked for", fork, "env: {LOG: secret://vault/root}",
			"CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
		{"its own key preview gives nothing", fork, "env: {A: secret://vault/root}\npreview: {secrets: {vault: vault}, env: {B: secret://vault/root}}",
			"shop/headway.yaml:2:10: env.A: secret://vault/root is not for previews"},
		{"a ConfigMap of production, own branch", own, "env: {A: config://shop/other}",
			"A=config://shop/other CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
		{"... fork", fork, "env: {A: config://shop/other}", "shop/headway.yaml:2:10: env.A: config://shop/other is not for previews"},
		{"... fork, in production's variable", fork, "env: {FLAGS: config://shop/flags}",
			"CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug unset=FLAGS"},
		{"a ConfigMap that preview.env gives", fork, "env: {A: config://hints/one}",
			"A=config://hints/one CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
		{"another ConfigMap", own, "env: {A: config://cluster/info}", "shop/headway.yaml:2:10: env.A: config://cluster/info is not for previews"},
		{"the ConfigMap's name as a Secret", own, "env: {A: secret://shop/flags}", "shop/headway.yaml:2:10: env.A: secret://shop/flags is not for previews"},
		{"another build template, own branch", own, "build: {with: dockerfile}", "CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
		{"... fork", fork, "build: {with: dockerfile}", "shop/headway.yaml:2:15: build.with: a request from a fork is built as production is, which has the template go, and this file comes to dockerfile"},
		{"an image, fork", fork, "image: registry.example.com/x@sha256:" + strings.Repeat("0", 64), "shop/headway.yaml:2:8: image: a request from a fork is built from its files"},
		{"an image, own branch", own, "image: registry.example.com/x@sha256:" + strings.Repeat("0", 64), "CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
		{"rules of release count for nothing, own branch", own, "release: {main: {instant: true}}\nhosts: [shop.example.com]", "CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
		{"... are refused, fork", fork, "release: {main: {instant: true}}", "shop/headway.yaml:2:10: release: a request from a fork may not have other rules of release than shop/headway.yaml on production"},
		{"hosts count for nothing, fork", fork, "hosts: [shop.example.com]", "CACHE=secret://shared/cache HINTS=config://hints/all LOG=debug"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := Make(facts(read(t, "a1", production), open(t, tc.line, read(t, "b2", "k2 name: shop\n"+tc.file))))
			if len(p.Previews) == 0 {
				if r := p.Requests[0]; r.State != v1alpha1.RequestInvalid || !strings.HasPrefix(r.Message, tc.want) {
					t.Errorf("%s: %s\nwant %s", r.State, r.Message, tc.want)
				}
				return
			}
			var got []string
			for _, e := range p.Previews[0].Revisions[0].From.Spec.Env {
				got = append(got, e.Name+"="+shown(e))
			}
			if unset := p.Previews[0].Spec.Preview.Unset; unset != nil {
				got = append(got, "unset="+strings.Join(unset, ","))
			}
			if got := strings.Join(got, " "); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestPreviewsShareTheBuild: what an image is made of is as in the request, so
// that the merge finds it.
func TestPreviewsShareTheBuild(t *testing.T) {
	head := read(t, "b2", "k2 name: shop\nenv: {DB: secret://shop-db/url}")
	made := Make(facts(read(t, "a1", production), open(t, "1 feat b2", head))).Previews[0].Revisions[0]
	if got, want := made.Source().Key, head.Apps[0].key; got != want || made.From.App != head.Apps[0].App {
		t.Errorf("key %s and build %+v, want those of the request", got, made.From.App)
	}
	if head.Apps[0].Spec.Env[0].Secret.Name != "shop-db" {
		t.Error("the request's file was changed")
	}
}
