package v1alpha1

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Source puts events of the outside into a Channel: it acknowledges them there
// when they are on disk here.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=headway
// +kubebuilder:printcolumn:name="Channel",type=string,JSONPath=`.spec.channel`
// +kubebuilder:printcolumn:name="Events",type=integer,JSONPath=`.status.events`
// +kubebuilder:printcolumn:name="Last",type=date,JSONPath=`.status.lastEvent`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",message="metadata.name must be at most 63 lower-case letters, digits and hyphens"
type Source struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   SourceSpec   `json:"spec"`
	Status SourceStatus `json:"status,omitempty"`
}

// Bounds of a Source, which headway.yaml has, too.
const (
	MaxSchedule    = 128      // characters
	MaxCronData    = 64 << 10 // bytes
	MaxCatchUp     = 1000     // events
	MaxSourceText  = 2048     // characters of a URL or another text
	MaxExtensions  = 16
	MaxSourceNames = 64 // topics, brokers, event names
	CronEventType  = "dev.headway.cron.fired"
	MaxSourcePause = 5 * time.Minute // longest pause after a failure
)

// SourceSpec says where events come from: exactly one of the kinds is set.
//
// +kubebuilder:validation:XValidation:rule="[has(self.cron), has(self.github), has(self.gitlab), has(self.gitea), has(self.sqs), has(self.pubsub), has(self.kafka), has(self.kubernetes), has(self.container)].filter(x, x).size() == 1",message="exactly one of cron, github, gitlab, gitea, sqs, pubsub, kafka, kubernetes and container must be set"
type SourceSpec struct {
	// Channel in the same namespace that gets the events.
	//
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Channel string `json:"channel"`

	// Extensions are attributes that every event gets; names have at most 20
	// lower-case letters and digits.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[a-z0-9]{1,20}$'))",message="names of extensions have at most 20 lower-case letters and digits"
	Extensions map[string]EventAttribute `json:"extensions,omitempty"`

	// Paused: nothing is taken from the source. Webhooks are answered with 503, so
	// that who sends them tries again.
	//
	// +optional
	Paused bool `json:"paused,omitempty"`

	// Cron makes an event at each time of a schedule.
	//
	// +optional
	Cron *CronSource `json:"cron,omitempty"`
	// GitHub, GitLab and Gitea take the webhooks of a forge.
	//
	// +optional
	GitHub *WebhookSource `json:"github,omitempty"`
	// +optional
	GitLab *WebhookSource `json:"gitlab,omitempty"`
	// +optional
	Gitea *WebhookSource `json:"gitea,omitempty"`
	// SQS takes the messages of a queue of Amazon SQS.
	//
	// +optional
	SQS *SQSSource `json:"sqs,omitempty"`
	// PubSub takes the messages of a subscription of Google Cloud Pub/Sub.
	//
	// +optional
	PubSub *PubSubSource `json:"pubsub,omitempty"`
	// Kafka takes the records of topics.
	//
	// +optional
	Kafka *KafkaSource `json:"kafka,omitempty"`
	// Kubernetes takes the events about objects of the namespace.
	//
	// +optional
	Kubernetes *KubernetesSource `json:"kubernetes,omitempty"`
	// Container runs an image that sends events itself.
	//
	// +optional
	Container *ContainerSource `json:"container,omitempty"`
}

// EventAttribute is the value of an attribute.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=1024
type EventAttribute string

// CatchUp says what becomes of the times of a schedule that were missed.
//
// +kubebuilder:validation:Enum=none;last;all
type CatchUp string

const (
	// CatchUpNone: nothing.
	CatchUpNone CatchUp = "none"
	// CatchUpLast: one event, for the last of them.
	CatchUpLast CatchUp = "last"
	// CatchUpAll: one event for each, for the last MaxCatchUp of them.
	CatchUpAll CatchUp = "all"
)

// CronSource makes an event of the type CronEventType at each time of a schedule.
type CronSource struct {
	// Schedule has five fields: minute, hour, day of the month, month, day of the
	// week. Of the two days one has to match if both are given.
	//
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=128
	Schedule string `json:"schedule"`
	// TimeZone by its name in the IANA database, such as Europe/Berlin. Default:
	// UTC. A time that a change of the clock skips comes when it ends, one that it
	// repeats comes once.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`
	// CatchUp says what becomes of times that were missed. Default: last.
	//
	// +optional
	// +kubebuilder:default=last
	CatchUp CatchUp `json:"catchUp,omitempty"`
	// Data of each event; JSON if it can be read so, else plain text.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=65536
	Data string `json:"data,omitempty"`
}

// WebhookSource takes the webhooks of a forge, at the URL in the status.
type WebhookSource struct {
	// Secret has the secret that the forge signs with, or, of GitLab, its token.
	Secret KeyRef `json:"secret"`
	// Events are the forge's names of those that are taken, such as push; absent:
	// all. Others are answered with 202 and dropped.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=128
	Events []string `json:"events,omitempty"`
}

// SQSSource takes the messages of a queue. Each is deleted there when it is on
// disk here. Notifications of S3 become one event for each record.
type SQSSource struct {
	// Queue is its URL.
	//
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https']",message="queue must be the http or https URL of a queue"
	Queue string `json:"queue"`
	// Region. Default: as the queue's host says.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Region string `json:"region,omitempty"`
	// Credentials are a Secret with the keys accessKeyID and secretAccessKey, and
	// sessionToken where there is one.
	Credentials corev1.LocalObjectReference `json:"credentials"`
}

// PubSubSource takes the messages of a subscription. Each is acknowledged there
// when it is on disk here.
type PubSubSource struct {
	// Subscription is its full name, projects/<project>/subscriptions/<name>.
	//
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^projects/[^/]+/subscriptions/[^/]+$`
	Subscription string `json:"subscription"`
	// Credentials have the JSON key of a service account.
	Credentials KeyRef `json:"credentials"`
	// Endpoint, host:port, in the place of Google's: an emulator, to which is
	// spoken without TLS and without credentials.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Endpoint string `json:"endpoint,omitempty"`
}

// KafkaSource takes the records of topics. Offsets are committed when the records
// are on disk here.
type KafkaSource struct {
	// Brokers to begin with, each host:port.
	//
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[^:/\s]+:[0-9]{1,5}$`
	Brokers []string `json:"brokers"`
	// Topics to read.
	//
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=249
	Topics []string `json:"topics"`
	// Group of consumers. Default: headway-<namespace>-<name>.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=249
	Group string `json:"group,omitempty"`
	// From is where a new group begins: earliest or latest. Default: latest.
	//
	// +optional
	// +kubebuilder:default=latest
	// +kubebuilder:validation:Enum=earliest;latest
	From string `json:"from,omitempty"`
	// TLS is spoken to the brokers.
	//
	// +optional
	TLS bool `json:"tls,omitempty"`
	// Credentials are a Secret with the keys username and password, for
	// SCRAM-SHA-512, or as its key mechanism says PLAIN or SCRAM-SHA-256.
	// Its key ca.crt is what the brokers' certificates are checked with.
	//
	// +optional
	Credentials *corev1.LocalObjectReference `json:"credentials,omitempty"`
}

// KubernetesSource takes the events that Kubernetes keeps about the objects of
// the namespace.
type KubernetesSource struct {
	// Types that are taken: Normal and Warning. Default: both.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:items:Enum=Normal;Warning
	Types []string `json:"types,omitempty"`
	// Kinds of the objects, such as Pod. Default: all.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	Kinds []string `json:"kinds,omitempty"`
	// Reasons that are taken. Default: all.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=128
	Reasons []string `json:"reasons,omitempty"`
}

// ContainerSource is one pod with an image that sends events to the URL in its
// variable K_SINK, with the attributes in K_CE_OVERRIDES.
type ContainerSource struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Image string `json:"image"`
	// Command and Args in the place of the image's.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Command []string `json:"command,omitempty"`
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Args []string `json:"args,omitempty"`
	// Env are its variables.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Env []EnvVar `json:"env,omitempty"`
}

// SourceStatus is written by the eventing program; that of a container by the
// controller.
type SourceStatus struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready is True while events are taken.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// URL to which a forge sends its webhooks.
	//
	// +optional
	URL string `json:"url,omitempty"`
	// Events counts those that the Channel has taken.
	//
	// +optional
	Events int64 `json:"events,omitempty"`
	// LastEvent is when the newest of them was taken.
	//
	// +optional
	LastEvent *metav1.Time `json:"lastEvent,omitempty"`
	// Position is how far the source has been read, in the terms of its kind: the
	// last time of a schedule, or a resource version. Empty where the other side
	// remembers that.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Position string `json:"position,omitempty"`
}

// SourceList is a list of Sources.
//
// +kubebuilder:object:root=true
type SourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Source `json:"items"`
}
