package plan

import (
	"fmt"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// SourceText is where events of a source come from, in a few words.
func SourceText(s v1alpha1.SourceSpec) string {
	switch {
	case s.Cron != nil:
		return strings.TrimSpace(fmt.Sprintf("cron %s %s", s.Cron.Schedule, s.Cron.TimeZone))
	case s.GitHub != nil:
		return webhookText("github", s.GitHub)
	case s.GitLab != nil:
		return webhookText("gitlab", s.GitLab)
	case s.Gitea != nil:
		return webhookText("gitea", s.Gitea)
	case s.SQS != nil:
		return "sqs " + s.SQS.Queue
	case s.PubSub != nil:
		return "pubsub " + s.PubSub.Subscription
	case s.Kafka != nil:
		return "kafka " + strings.Join(s.Kafka.Topics, ", ")
	case s.Kubernetes != nil:
		return strings.TrimSpace("kubernetes " + strings.Join(s.Kubernetes.Kinds, ", "))
	case s.Container != nil:
		return "container " + s.Container.Image
	}
	return "nothing"
}

func webhookText(forge string, w *v1alpha1.WebhookSource) string {
	return strings.TrimSpace(forge + " " + strings.Join(w.Events, ", "))
}
