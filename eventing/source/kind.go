package source

import "github.com/headway-dev/headway/api/v1alpha1"

// Kinds of sources, as their keys in a spec.
const (
	Cron       = "cron"
	GitHub     = "github"
	GitLab     = "gitlab"
	Gitea      = "gitea"
	SQS        = "sqs"
	PubSub     = "pubsub"
	Kafka      = "kafka"
	Kubernetes = "kubernetes"
	Container  = "container"
)

// Kind is which of them a spec sets.
func Kind(spec *v1alpha1.SourceSpec) string {
	switch {
	case spec.Cron != nil:
		return Cron
	case spec.GitHub != nil:
		return GitHub
	case spec.GitLab != nil:
		return GitLab
	case spec.Gitea != nil:
		return Gitea
	case spec.SQS != nil:
		return SQS
	case spec.PubSub != nil:
		return PubSub
	case spec.Kafka != nil:
		return Kafka
	case spec.Kubernetes != nil:
		return Kubernetes
	}
	return Container
}

// Webhook is what a spec says of a forge; nil if it is of another kind.
func Webhook(spec *v1alpha1.SourceSpec) *v1alpha1.WebhookSource {
	switch Kind(spec) {
	case GitHub:
		return spec.GitHub
	case GitLab:
		return spec.GitLab
	case Gitea:
		return spec.Gitea
	}
	return nil
}

// Secrets are those that a spec names, with the keys that they must have.
func Secrets(spec *v1alpha1.SourceSpec) map[string][]string {
	if hook := Webhook(spec); hook != nil {
		return map[string][]string{hook.Secret.Name: {hook.Secret.Key}}
	}
	switch {
	case spec.SQS != nil:
		return map[string][]string{spec.SQS.Credentials.Name: {"accessKeyID", "secretAccessKey"}}
	case spec.PubSub != nil && spec.PubSub.Endpoint == "":
		return map[string][]string{spec.PubSub.Credentials.Name: {spec.PubSub.Credentials.Key}}
	case spec.Kafka != nil && spec.Kafka.Credentials != nil:
		return map[string][]string{spec.Kafka.Credentials.Name: nil}
	}
	return nil
}
