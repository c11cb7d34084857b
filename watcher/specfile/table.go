package specfile

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What headway.yaml is made of, read into a Spec.
type (
	row      = rowOf[Spec]
	object   = objectOf[Spec]
	text     = textOf[Spec]
	list     = listOf[Spec]
	table    = tableOf[Spec]
	integer  = integerOf[Spec]
	duration = durationOf[Spec]
	quantity = quantityOf[Spec]
)

var appName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// rows are the keys of headway.yaml. This is the only list of them.
var rows = []row{
	{
		name: "name", required: true,
		doc: "Name of the app: the first part of its host and the name of its objects in the cluster.",
		value: text{what: fmt.Sprintf("a name of at most %d lower-case letters, digits and hyphens", MaxName), example: "shop",
			pattern: appName.String(), most: MaxName,
			because: "a preview is named <name>-pr-<number>, and that has to fit into a label",
			set:     func(s *Spec, v string) error { s.Name = v; return nil }},
	},
	{
		name: "path", byDefault: "the folder of the file",
		doc: "Folder that is built, relative to the repository's root. A change in it makes a new revision.",
		value: text{what: "a folder relative to the repository's root", example: "services/shop",
			pattern: `^[^\\\x00-\x1f]+$`, most: 1024, set: setPath},
	},
	{
		name: "watch", byDefault: "nothing further",
		doc:   "Globs, relative to the repository's root, of further paths whose change makes a new revision and that the build can see. `*` matches within one folder, `**` any number of folders; a folder means everything in it.",
		value: globs("libs/money/**", func(s *Spec) *[]string { return &s.Watch }),
	},
	{
		name: "ignore", byDefault: "nothing",
		doc:   "Globs, as in `watch`, of files that are left out of what the app is built from: a change of them makes no new revision, and the build does not see them.",
		value: globs(`"**/*.md"`, func(s *Spec) *[]string { return &s.Ignore }),
	},
	{
		name: "build", byDefault: "{with: auto}",
		doc:   "How the image is made.",
		value: object{rows: buildRows, example: "{with: go, args: {main: ./cmd/shop}}"},
	},
	{
		name: "image", byDefault: "made by build",
		doc: "Image to run instead of a build, pinned by digest so that a commit always means the same bytes.",
		value: text{what: "an image pinned by digest", example: "registry.example.com/shop@sha256:<64 hex digits>",
			pattern: `^[A-Za-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}$`, most: 512,
			set: func(s *Spec, v string) error { s.Image = v; return nil }},
	},
	{
		name: "command", byDefault: "the image's ENTRYPOINT and CMD",
		doc: "Program to run and its first arguments, in the place of the image's ENTRYPOINT; the image's CMD is left out with it. There is no shell. `$(PORT)` and other variables are filled in; `$$(PORT)` stays `$(PORT)`.",
		value: list{what: "words", most: 64, item: word("./server",
			func(s *Spec, v string) error {
				if v == "" && len(s.Command) == 0 {
					return fmt.Errorf("begins with an empty word; expected the program to run, such as ./server")
				}
				s.Command = append(s.Command, v)
				return nil
			})},
	},
	{
		name: "args", byDefault: "the image's CMD, or none with command",
		doc: "Arguments of the program when it runs, in the place of the image's CMD. Variables are filled in as in `command`.",
		value: list{what: "words", most: 64, otherwise: "parameters of the build template go below build, as build.args",
			item: word("-addr=:$(PORT)", func(s *Spec, v string) error { s.Args = append(s.Args, v); return nil })},
	},
	{
		name: "port", byDefault: "8080",
		doc: "Port the app listens on. The variable PORT tells it.",
		value: integer{min: 1, max: 65535, example: 8080,
			set: func(s *Spec, v int32) { s.Port = v }},
	},
	{
		name: "env", byDefault: "none",
		doc: "Environment variables. `secret://name/key` takes the value from a Secret, `config://name/key` from a ConfigMap in the app's namespace; `channel://name` is the URL of a [channel](events.md).",
		value: table{what: "a variable's name: letters, digits and _, not beginning with a digit", pattern: envName,
			example: "{LOG: info, DB: secret://shop-db/url}", most: 256, set: setEnv},
	},
	{
		name: "resources", byDefault: "none requested",
		doc:   "What one pod needs.",
		value: object{rows: resourceRows, example: "{cpu: 100m, memory: 128Mi}"},
	},
	{
		name: "health", byDefault: "the port accepts connections",
		doc:   "How to see that the app is up, and how long a new revision has to prove itself.",
		value: object{rows: healthRows, example: "{path: /healthz, hold: 2s, settle: 2m}"},
	},
	{
		name: "timeout", byDefault: "60s",
		doc: "Longest time that the app may take to begin its response, waiting for a pod included, the client's upload not; also the grace that requests get when a pod leaves.",
		value: duration{min: time.Second, max: time.Hour, example: "60s",
			set: func(s *Spec, v time.Duration) { s.Timeout = metav1.Duration{Duration: v} }},
	},
	{
		name: "scale", byDefault: "min 0, max 20, concurrency 80, idle 30s, no limit, no standby",
		doc:   "Bounds of the number of pods and of the requests in each.",
		value: object{rows: scaleRows, example: "{min: 1, max: 10}"},
	},
	{
		name: "hosts", byDefault: "only the host that Headway forms",
		doc: "Hosts that lead to the app, too, once the cluster's administrator has [allowed](#hosts-of-your-own) them for the namespace. A change builds and restarts nothing.",
		value: list{what: "host names", most: 16, item: text{
			what: "a host name in lower case, without scheme, port and wildcard", example: "shop.example.com",
			pattern: `^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`, most: 253,
			set: func(s *Spec, v string) error { s.Hosts = append(s.Hosts, v); return nil }}},
	},
	{
		name: "pin", byDefault: "nothing pinned",
		doc: "Commit that takes all traffic: a rollback that is itself a commit. Remove it, or set it to \"\", to go on.",
		value: text{what: "a commit of 7 to 64 hex digits", example: "1a2b3c4d",
			pattern: `^([0-9a-f]{7,64})?$`, most: 64, bare: true,
			set: func(s *Spec, v string) error { s.Pin = v; return nil }},
	},
	releaseRow,
	{
		name: "sticky", byDefault: "each request is split anew",
		doc: "Keep users with one version while a part of the traffic is split off: `cookie` tells them apart by a cookie of Headway's own.",
		value: wordOrObject[Spec]{word: "cookie", chosen: beginSticky,
			objectOf: object{rows: stickyRows, example: "{header: X-User}", begin: beginSticky}},
	},
	{
		name: "hold", byDefault: "false",
		doc:   "Stop every step forward. Rollbacks, reverts and pins are not stopped.",
		value: booleanOf[Spec]{set: func(s *Spec, v bool) { s.Hold = v }},
	},
	previewRow,
	channelsRow,
	sourcesRow,
	eventsRow,
	sendsRow,
}

var buildRows = []row{
	{
		name: "with", byDefault: "auto",
		doc: "Name of the build template: go, dockerfile, static, or any installed one. `auto` looks at the files.",
		value: text{what: "the name of a build template", example: "go",
			pattern: `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`, most: 63,
			set: func(s *Spec, v string) error { s.Build.With = v; return nil }},
	},
	{
		name: "args", byDefault: "none",
		doc: "Parameters of the template.",
		value: table{what: "a parameter's name: letters, digits, - and _", pattern: `^[A-Za-z_][A-Za-z0-9_-]{0,62}$`,
			example: "{main: ./cmd/shop}", most: 64, otherwise: "arguments of the program when it runs go into the key args of the top level",
			set: func(s *Spec, name, v string) error {
				if s.Build.Args == nil {
					s.Build.Args = map[string]string{}
				}
				s.Build.Args[name] = v
				return nil
			}},
	},
}

var resourceRows = []row{
	{
		name: "cpu", byDefault: "none requested",
		doc: "Processor time requested: 1 is one core, 100m a tenth of one.",
		value: quantity{what: "an amount of processor time", example: "100m", least: "1m",
			pattern: `^[0-9]+(\.[0-9]+)?m?$`,
			set:     func(s *Spec, v string) { s.Resources.CPU = v }},
	},
	{
		name: "memory", byDefault: "none requested, no limit",
		doc: "Memory requested, and the limit.",
		value: quantity{what: "an amount of memory", example: "128Mi", least: "1Mi",
			pattern: `^[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti|m)?$`,
			set:     func(s *Spec, v string) { s.Resources.Memory = v }},
	},
}

var healthRows = []row{
	{
		name: "path", byDefault: "the port accepts connections",
		doc: "Path that answers 2xx or 3xx when the app can take requests.",
		value: text{what: "a path that begins with /", example: "/healthz", pattern: `^/[!-~]*$`, most: 1024,
			set: func(s *Spec, v string) error { healthOf(s).Path = v; return nil }},
	},
	{
		name: "hold", byDefault: "2s",
		doc: "How long a build that was never seen healthy must keep answering before it takes the traffic of a healthy revision.",
		value: duration{min: 0, max: 10 * time.Minute, example: "2s",
			set: func(s *Spec, v time.Duration) { healthOf(s).Hold = &metav1.Duration{Duration: v} }},
	},
	{
		name: "settle", byDefault: "2m",
		doc: "How long a revision must serve without a crash, and without many more bad answers than its predecessor, until the predecessor is let go. One that fails before gives the traffic back by itself.",
		value: duration{min: 0, max: 24 * time.Hour, example: "2m",
			set: func(s *Spec, v time.Duration) { healthOf(s).Settle = &metav1.Duration{Duration: v} }},
	},
}

// healthOf is the health of a spec, made when the first of its keys is read.
func healthOf(s *Spec) *v1alpha1.Health {
	if s.Health == nil {
		s.Health = &v1alpha1.Health{}
	}
	return s.Health
}

var scaleRows = []row{
	{
		name: "min", byDefault: "0",
		doc:   "Smallest number of pods.",
		value: integer{min: 0, max: 1000, example: 1, set: func(s *Spec, v int32) { s.Scale.Min = v }},
	},
	{
		name: "max", byDefault: "20",
		doc:   "Largest number of pods.",
		value: integer{min: 1, max: 1000, example: 20, set: func(s *Spec, v int32) { s.Scale.Max = v }},
	},
	{
		name: "limit", byDefault: "0, which means no limit",
		doc:   "Largest number of requests in flight in one pod; more wait.",
		value: integer{min: 0, max: 100000, example: 100, set: func(s *Spec, v int32) { s.Scale.Limit = v }},
	},
	{
		name: "concurrency", byDefault: "80",
		doc:   "Requests in flight per pod that the autoscaler aims at.",
		value: integer{min: 1, max: 100000, example: 80, set: func(s *Spec, v int32) { s.Scale.Concurrency = v }},
	},
	{
		name: "rps", byDefault: "0, which means that the rate does not matter",
		doc:   "Requests per second and pod that the autoscaler aims at, beside concurrency.",
		value: integer{min: 0, max: 1000000, example: 200, set: func(s *Spec, v int32) { s.Scale.RPS = v }},
	},
	{
		name: "idle", byDefault: "30s",
		doc: "Time without any request after which the last pod goes, if min is 0.",
		value: duration{min: time.Second, max: 24 * time.Hour, example: "30s",
			set: func(s *Spec, v time.Duration) { s.Scale.Idle = metav1.Duration{Duration: v} }},
	},
	{
		name: "standby", byDefault: "0",
		doc:   "Parked pods that are kept while the app has traffic: scheduled, with image and network, but with the app not started. A request that finds no running pod starts one of them within milliseconds. Each takes the pod's `resources`.",
		value: integer{min: 0, max: 100, example: 1, set: func(s *Spec, v int32) { s.Scale.Standby = v }},
	},
}

func beginSticky(s *Spec) { s.Sticky = &v1alpha1.Sticky{} }

var stickyRows = []row{
	{
		name: "header", byDefault: "none",
		doc: "Header field that tells users apart.",
		value: text{what: "the name of a header field", example: "X-User", pattern: tokenPattern, most: 128,
			set: func(s *Spec, v string) error { s.Sticky.Header = v; return nil }},
	},
	{
		name: "cookie", byDefault: "none",
		doc: "Cookie of the app that tells users apart.",
		value: text{what: "the name of a cookie", example: "session", pattern: tokenPattern, most: 128,
			set: func(s *Spec, v string) error { s.Sticky.Cookie = v; return nil }},
	},
}

// word is one word of a command line, as it is written: 8080 and true are words
// too.
func word(example string, set func(s *Spec, v string) error) text {
	return text{what: "a word of a command line", example: example, pattern: `^[^\x00]*$`, most: 4096, bare: true, set: set}
}

// defaults are what holds for a file that only has a name.
func defaults(file string) *Spec {
	return &Spec{
		Path:  path.Dir(path.Clean(file)),
		Build: Build{With: TemplateAuto},
		Runtime: v1alpha1.Runtime{
			Port:    8080,
			Timeout: metav1.Duration{Duration: time.Minute},
			Scale:   v1alpha1.Scale{Max: 20, Concurrency: 80, Idle: metav1.Duration{Duration: 30 * time.Second}},
		},
	}
}

// globs is a list of globs that goes into a field of the Spec.
func globs(example string, field func(*Spec) *[]string) list {
	return list{what: "paths or globs", most: 64, item: text{what: "a path or glob", example: example,
		pattern: `^[^\\\x00-\x1f]+$`, most: 1024,
		set: func(s *Spec, v string) error {
			glob, err := ParseGlob(v)
			if err != nil {
				return err
			}
			*field(s) = append(*field(s), glob.String())
			return nil
		}}}
}

func setPath(s *Spec, v string) error {
	clean := path.Clean(v)
	switch {
	case path.IsAbs(v):
		return fmt.Errorf("%q begins with /; paths are relative to the repository's root", clip(v))
	case clean == "..", strings.HasPrefix(clean, "../"):
		return fmt.Errorf("%q leads out of the repository; paths are relative to its root", clip(v))
	}
	s.Path = clean
	return nil
}
