package specfile

import (
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// kindRows are the kinds of sources, with the fields of the API.
var kindRows = []rowOf[Source]{
	{
		name: "cron", byDefault: "none",
		doc:   "Makes an event at each time of a schedule.",
		value: objectOf[Source]{rows: cronRows, example: "{schedule: " + scheduleExample + "}", begin: func(s *Source) { cronOfSource(s) }},
	},
	webhookKind("github", "GitHub", func(s *Source) **v1alpha1.WebhookSource { return &s.Spec.GitHub }),
	webhookKind("gitlab", "GitLab", func(s *Source) **v1alpha1.WebhookSource { return &s.Spec.GitLab }),
	webhookKind("gitea", "Gitea", func(s *Source) **v1alpha1.WebhookSource { return &s.Spec.Gitea }),
	{
		name: "sqs", byDefault: "none",
		doc: "Takes the messages of a queue of Amazon SQS; notifications of S3 become one event for each record.",
		value: objectOf[Source]{rows: sqsRows, example: `{queue: "https://sqs.eu-central-1.amazonaws.com/123456789012/orders", credentials: secret://aws}`,
			begin: func(s *Source) { s.Spec.SQS = &v1alpha1.SQSSource{} }},
	},
	{
		name: "pubsub", byDefault: "none",
		doc: "Takes the messages of a subscription of Google Cloud Pub/Sub.",
		value: objectOf[Source]{rows: pubsubRows, example: "{subscription: projects/shop/subscriptions/orders, credentials: secret://google/key.json}",
			begin: func(s *Source) { s.Spec.PubSub = &v1alpha1.PubSubSource{} }},
	},
	{
		name: "kafka", byDefault: "none",
		doc: "Takes the records of topics.",
		value: objectOf[Source]{rows: kafkaRows, example: "{brokers: [\"kafka.example.com:9092\"], topics: [orders]}",
			begin: func(s *Source) { s.Spec.Kafka = &v1alpha1.KafkaSource{From: "latest"} }},
	},
	{
		name: "kubernetes", byDefault: "none",
		doc: "Takes the events that Kubernetes keeps about the objects of the namespace.",
		value: objectOf[Source]{rows: kubernetesRows, example: "{types: [Warning], kinds: [Pod]}",
			begin: func(s *Source) { s.Spec.Kubernetes = &v1alpha1.KubernetesSource{} }},
	},
	{
		name: "container", byDefault: "none",
		doc: "Runs an image that sends events itself, to the URL in its variable `K_SINK`.",
		value: objectOf[Source]{rows: containerRows, example: "{image: registry.example.com/poller:1.2}",
			begin: func(s *Source) { s.Spec.Container = &v1alpha1.ContainerSource{} }},
	},
}

// cronOfSource are the keys of a schedule within a source.
var cronOfSource = cronKeys[Source](func(s *Source) *v1alpha1.CronSource {
	if s.Spec.Cron == nil {
		s.Spec.Cron = &v1alpha1.CronSource{CatchUp: v1alpha1.CatchUpLast}
	}
	return s.Spec.Cron
})

var cronRows = []rowOf[Source]{
	{
		name: "schedule", required: true,
		doc:   "Minute, hour, day of the month, month and day of the week, and a time zone if it is not UTC.",
		value: cronOfSource.schedule(),
	},
	cronOfSource.catchUp(),
	cronOfSource.data(),
}

func webhookKind(name, forge string, field func(s *Source) **v1alpha1.WebhookSource) rowOf[Source] {
	return rowOf[Source]{
		name: name, byDefault: "none",
		doc: "Takes the webhooks of " + forge + ", at the URL in the Source's status.",
		value: objectOf[Source]{example: "{secret: secret://hooks/key, events: [push]}",
			begin: func(s *Source) { *field(s) = &v1alpha1.WebhookSource{} },
			rows: []rowOf[Source]{
				{
					name: "secret", required: true,
					doc:   "What " + forge + " signs with, or its token.",
					value: secretKey("secret://hooks/key", func(s *Source, k v1alpha1.KeyRef) { (*field(s)).Secret = k }),
				},
				{
					name: "events", byDefault: "all",
					doc:   "The forge's names of those that are taken.",
					value: names("names of events", "push", `^[^\x00-\x20]+$`, 128, func(s *Source) *[]string { return &(*field(s)).Events }),
				},
			}},
	}
}

// names is a list of texts of a source, each of which counts once.
func names(what, example, pattern string, most int, field func(s *Source) *[]string) listOf[Source] {
	return listOf[Source]{what: what, most: v1alpha1.MaxSourceNames, item: textOf[Source]{what: "one of the " + what, example: example, pattern: pattern, most: most,
		set: func(s *Source, v string) error {
			if into := field(s); !slices.Contains(*into, v) {
				*into = append(*into, v)
			}
			return nil
		}}}
}

var sqsRows = []rowOf[Source]{
	{
		name: "queue", required: true,
		doc: "URL of the queue.",
		value: textOf[Source]{what: urlWhat, example: "https://sqs.eu-central-1.amazonaws.com/123456789012/orders", pattern: urlPattern, most: v1alpha1.MaxSourceText,
			set: func(s *Source, v string) error { s.Spec.SQS.Queue = v; return checkURL(v) }},
	},
	{
		name: "region", byDefault: "as the queue's host says",
		doc: "Region of the queue.",
		value: textOf[Source]{what: "a region", example: "eu-central-1", pattern: `^[a-z0-9-]+$`, most: 64,
			set: func(s *Source, v string) error { s.Spec.SQS.Region = v; return nil }},
	},
	{
		name: "credentials", required: true,
		doc:   "Secret with the keys `accessKeyID` and `secretAccessKey`, and `sessionToken` where there is one.",
		value: secretName("secret://aws", func(s *Source, ref corev1.LocalObjectReference) { s.Spec.SQS.Credentials = ref }),
	},
}

var pubsubRows = []rowOf[Source]{
	{
		name: "subscription", required: true,
		doc: "Full name of the subscription.",
		value: textOf[Source]{what: "a subscription", example: "projects/shop/subscriptions/orders", pattern: `^projects/[^/]+/subscriptions/[^/]+$`, most: 512,
			set: func(s *Source, v string) error { s.Spec.PubSub.Subscription = v; return nil }},
	},
	{
		name: "credentials", required: true,
		doc:   "JSON key of a service account.",
		value: secretKey("secret://google/key.json", func(s *Source, k v1alpha1.KeyRef) { s.Spec.PubSub.Credentials = k }),
	},
	{
		name: "endpoint", byDefault: "Google's",
		doc: "An emulator, to which is spoken without TLS and without credentials.",
		value: textOf[Source]{what: "a host and port", example: "pubsub:8085", pattern: hostPort, most: 253,
			set: func(s *Source, v string) error { s.Spec.PubSub.Endpoint = v; return nil }},
	},
}

const hostPort = `^[^:/\s]+:[0-9]{1,5}$`

var kafkaRows = []rowOf[Source]{
	{
		name: "brokers", required: true,
		doc:   "Brokers to begin with.",
		value: names("brokers, each host:port", `"kafka.example.com:9092"`, hostPort, 253, func(s *Source) *[]string { return &s.Spec.Kafka.Brokers }),
	},
	{
		name: "topics", required: true,
		doc:   "Topics to read.",
		value: names("topics", "orders", `^[A-Za-z0-9._-]+$`, 249, func(s *Source) *[]string { return &s.Spec.Kafka.Topics }),
	},
	{
		name: "group", byDefault: "headway-<namespace>-<name>",
		doc: "Group of consumers.",
		value: textOf[Source]{what: "the name of a group", example: "shop", pattern: `^[^\x00-\x1f]+$`, most: 249,
			set: func(s *Source, v string) error { s.Spec.Kafka.Group = v; return nil }},
	},
	{
		name: "from", byDefault: "latest",
		doc: "Where a new group begins.",
		value: textOf[Source]{what: "earliest or latest", example: "earliest", pattern: "^(earliest|latest)$", most: 8,
			set: func(s *Source, v string) error { s.Spec.Kafka.From = v; return nil }},
	},
	{
		name: "tls", byDefault: "false",
		doc:   "`true`: TLS is spoken to the brokers.",
		value: booleanOf[Source]{set: func(s *Source, v bool) { s.Spec.Kafka.TLS = v }},
	},
	{
		name: "credentials", byDefault: "none",
		doc:   "Secret with the keys `username` and `password`, for SCRAM-SHA-512, or as its key `mechanism` says `PLAIN` or `SCRAM-SHA-256`; and with `ca.crt`, which the brokers' certificates are checked with.",
		value: secretName("secret://kafka", func(s *Source, ref corev1.LocalObjectReference) { s.Spec.Kafka.Credentials = &ref }),
	},
}

var kubernetesRows = []rowOf[Source]{
	{
		name: "types", byDefault: "both",
		doc:   "Types that are taken: Normal and Warning.",
		value: names("types, Normal or Warning", "Warning", "^(Normal|Warning)$", 7, func(s *Source) *[]string { return &s.Spec.Kubernetes.Types }),
	},
	{
		name: "kinds", byDefault: "all",
		doc:   "Kinds of the objects.",
		value: names("kinds", "Pod", `^[A-Za-z][A-Za-z0-9]*$`, 63, func(s *Source) *[]string { return &s.Spec.Kubernetes.Kinds }),
	},
	{
		name: "reasons", byDefault: "all",
		doc:   "Reasons that are taken.",
		value: names("reasons", "BackOff", `^[A-Za-z0-9]+$`, 128, func(s *Source) *[]string { return &s.Spec.Kubernetes.Reasons }),
	},
}

var containerRows = []rowOf[Source]{
	{
		name: "image", required: true,
		doc: "Image that is run.",
		value: textOf[Source]{what: "an image", example: "registry.example.com/poller:1.2", pattern: `^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`, most: 512,
			set: func(s *Source, v string) error { s.Spec.Container.Image = v; return nil }},
	},
	{
		name: "command", byDefault: "the image's ENTRYPOINT",
		doc:   "Program to run and its first arguments.",
		value: sourceWords("./poll", func(s *Source) *[]string { return &s.Spec.Container.Command }),
	},
	{
		name: "args", byDefault: "the image's CMD",
		doc:   "Arguments of the program.",
		value: sourceWords("--every=1m", func(s *Source) *[]string { return &s.Spec.Container.Args }),
	},
	{
		name: "env", byDefault: "none",
		doc: "Its variables, as in `env` of an app.",
		value: tableOf[Source]{what: "a variable's name: letters, digits and _, not beginning with a digit", pattern: envName,
			example: "{URL: https://example.com, KEY: secret://poller/key}", most: 256, set: func(s *Source, name, v string) error {
				env, err := readVariable(name, v)
				if err == nil && strings.HasPrefix(v, ChannelScheme) {
					return errors.New("is for apps; the URL of its channel is in the variable K_SINK")
				}
				if err == nil {
					s.Spec.Container.Env = append(s.Spec.Container.Env, env)
				}
				return err
			}},
	},
}

func sourceWords(example string, field func(s *Source) *[]string) listOf[Source] {
	return listOf[Source]{what: "words", most: 64, item: textOf[Source]{what: "a word of a command line", example: example, pattern: `^[^\x00]*$`, most: 4096, bare: true,
		set: func(s *Source, v string) error { *field(s) = append(*field(s), v); return nil }}}
}
